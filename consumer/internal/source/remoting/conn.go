package remoting

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Codes of RocketMQ's protocol.
const (
	reqPullMessage         = 11
	reqQueryConsumerOffset = 14
	reqSearchOffset        = 29
	reqBrokerConfig        = 26
	reqGetMaxOffset        = 30
	reqGetMinOffset        = 31
	reqBrokerRuntime       = 28
	reqSendBack            = 36
	reqRouteByTopic        = 105
	reqAllGroups           = 201
	reqGroupMembers        = 203

	codeSuccess         = 0
	codeNoPermission    = 16
	codeTopicNotExist   = 17
	codePullNotFound    = 19
	codePullRetryNow    = 20
	codePullOffsetMoved = 21
	codeQueryNotFound   = 22
	codeGroupNotExist   = 26
	codeNoMembers       = 206
	remarkLimit         = 200
	callTimeLimit       = 5 * time.Second
)

// AnswerError is an answer of the server other than success.
type AnswerError struct {
	Code int
	// Remark is the server's own text, cut at 200 bytes.
	Remark string
}

func (e *AnswerError) Error() string { return fmt.Sprintf("answer code %d: %s", e.Code, e.Remark) }

// Denied reports whether err is the server's refusal of the credentials or of what they may do.
func Denied(err error) bool {
	var a *AnswerError
	if !errors.As(err, &a) {
		return false
	}
	// Brokers before 5.x answer "system error" with the exception's name when they refuse.
	return a.Code == codeNoPermission || strings.Contains(a.Remark, "AclException")
}

// ErrNoTopic: the name server knows no route of the topic.
var ErrNoTopic = errors.New("the topic has no route: it does not exist, or no broker that has it is registered")

// ErrNoGroup: the broker does not know the group and does not create it by itself.
var ErrNoGroup = errors.New("the consumer group does not exist and the broker does not create it")

// Conn is a connection to a name server or a broker. Not for concurrent use.
type Conn struct {
	nc     net.Conn
	creds  Credentials
	opaque int32
}

// Dial connects to host:port, within 5 s. ctx bounds the dialling only.
func Dial(ctx context.Context, addr string, creds Credentials) (*Conn, error) {
	d := net.Dialer{Timeout: callTimeLimit}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Conn{nc: nc, creds: creds}, nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.nc.Close() }

// call sends one request and waits for its answer, 5 s at most. What else the server sends meanwhile (a broker's
// notifications) is skipped. An answer of any code is returned; the caller judges it.
func (c *Conn) call(ctx context.Context, code int, ext map[string]string) (header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeLimit)
	defer cancel()
	// Closing the deadline is how a blocked read learns that ctx ended.
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	c.opaque++
	c.creds.sign(ext, nil)
	req := header{Code: code, Language: "GO", Version: protocolVersion, Opaque: c.opaque, ExtFields: ext}
	if err := writeFrame(c.nc, req); err != nil {
		return header{}, nil, err
	}
	for {
		h, body, err := readFrame(c.nc)
		if err != nil {
			if ctx.Err() != nil {
				return header{}, nil, fmt.Errorf("no answer: %w", ctx.Err())
			}
			return header{}, nil, err
		}
		if h.Flag&flagAnswer != 0 && h.Opaque == req.Opaque {
			return h, body, nil
		}
	}
}

func answerError(h header) error {
	return &AnswerError{Code: h.Code, Remark: h.Remark[:min(len(h.Remark), remarkLimit)]}
}
