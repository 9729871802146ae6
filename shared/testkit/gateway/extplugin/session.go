package extplugin

import (
	"context"
	"fmt"
	"net"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// session is one call's use of a connection.
type session struct {
	ctx     context.Context
	conn    net.Conn
	timeout time.Duration
}

// prepare registers a configuration and returns its token.
func (s session) prepare(key string, conf Conf) (uint32, error) {
	if err := s.send(typePrepareConf, encodePrepareConf(key, conf)); err != nil {
		return 0, err
	}
	kind, payload, err := s.receive()
	if err != nil {
		return 0, err
	}
	if kind != typePrepareConf {
		return 0, fmt.Errorf("runner: answered type %d to a configuration", kind)
	}
	return decodeToken(payload), nil
}

// call describes the request, answers the runner's questions and returns its decision.
func (s session) call(id, token uint32, x *nginx.Exchange) (Action, error) {
	if err := s.send(typeHTTPReqCall, encodeCall(id, token, x)); err != nil {
		return Action{}, err
	}
	for {
		kind, payload, err := s.receive()
		if err != nil {
			return Action{}, err
		}
		switch kind {
		case typeHTTPReqCall:
			return decodeAction(payload), nil
		case typeExtraInfo:
			name, err := decodeQuestion(payload)
			if err != nil {
				return Action{}, err
			}
			if err := s.send(typeExtraInfo, encodeVar(x.VarText(name))); err != nil {
				return Action{}, err
			}
		default:
			return Action{}, fmt.Errorf("runner: answered type %d to a request", kind)
		}
	}
}

// limit gives the next step its time.
func (s session) limit() error {
	if err := s.conn.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return fmt.Errorf("connection to the runner: %w", err)
	}
	return s.ctx.Err() // asked last: a deadline that the cancellation set is overwritten now
}

func (s session) send(kind byte, payload []byte) error {
	if err := s.limit(); err != nil {
		return err
	}
	return writeFrame(s.conn, kind, payload)
}

func (s session) receive() (byte, []byte, error) {
	if err := s.limit(); err != nil {
		return 0, nil, err
	}
	kind, payload, err := readFrame(s.conn)
	if err == nil && kind == typeError {
		err = decodeError(payload)
	}
	return kind, payload, err
}
