package nginx

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Exchange is one request and its answer as nginx knows them when the log phase runs.
type Exchange struct {
	// ID is $request_id: 32 hex digits that nginx made.
	ID string
	// Method and URI are the request line's; URI is raw, with its query string.
	Method, URI string
	// Header is the request header as it stands now, after the plugins' changes.
	Header Header
	// Body is the request body; BodyRead says whether a plugin made nginx read it before the request ended.
	Body     []byte
	BodyRead bool
	// Received is $request_length: the bytes that came from the client so far.
	Received int
	// RemoteAddr is the client's IP address, without port.
	RemoteAddr string
	// Start is when the first byte came, End when the answer was done; both have ms precision in nginx.
	Start, End time.Time

	// Status is the answer's status; AnswerHeader is its header as Lua shows it in the log phase, names as they were sent.
	Status       int
	AnswerHeader Header
	// AnswerBody is what the loggers collected of the answer's body, decompressed and cut at their limit; nil when none
	// asked for it or the client went away before its end.
	AnswerBody []byte
	// Sent is $bytes_sent (see AnswerSize).
	Sent int

	// Upstream is the address that was called, "" when none was.
	Upstream        string
	UpstreamLatency time.Duration

	// ServerPort is the port that the client connected to.
	ServerPort int
	// RouteID, ServiceID and Consumer are what APISIX adds to nginx's variables; Consumer is "" for an anonymous request,
	// Matched is false when no route matched.
	Matched            bool
	RouteID, ServiceID string
	Consumer           string
}

// Path is $uri: the raw path, unescaped, without the query string.
func (x *Exchange) Path() string {
	path, _, _ := strings.Cut(x.URI, "?")
	return unescapePath(path)
}

// Query is $args: the raw query string.
func (x *Exchange) Query() string {
	_, query, _ := strings.Cut(x.URI, "?")
	return query
}

// Host is $host: the Host header without its port, in lower case.
func (x *Exchange) Host() string {
	host := strings.ToLower(x.Header.Get("Host"))
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return host
}

// URL is the whole address that the client asked for, as the log entry has it.
func (x *Exchange) URL() string {
	return "http://" + x.Host() + ":" + strconv.Itoa(x.ServerPort) + x.URI
}

// RequestSize is the bytes of a request line and header on the wire. A body counts once it is read: see BodySize.
func RequestSize(method, uri string, header Header) int {
	return len(method) + len(" ") + len(uri) + len(" HTTP/1.1\r\n") + header.size() + len("\r\n")
}

// AnswerSize is the bytes of an answer on the wire, body being the bytes of the body that were sent. nginx adds a Date
// and a Connection line of its own, which its log phase shows otherwise or not at all.
func AnswerSize(status int, header Header, body int) int {
	wire := header.Clone()
	wire.Set("Date", "Sun, 22 Nov 2026 11:44:25 GMT")
	wire.Set("Connection", "keep-alive")
	line := len("HTTP/1.1 ") + len(strconv.Itoa(status)) + len(" ") + len(StatusText(status)) + len("\r\n")
	return line + wire.size() + len("\r\n") + BodySize(header, body)
}

// StatusText is nginx's words for a status.
func StatusText(status int) string {
	switch status {
	case http.StatusServiceUnavailable:
		return "Service Temporarily Unavailable"
	case http.StatusGatewayTimeout:
		return "Gateway Time-out"
	}
	return http.StatusText(status)
}

// BodySize is the bytes of a body on the wire, under a header that may say chunked: it is then taken as one chunk.
func BodySize(header Header, body int) int {
	if !strings.EqualFold(header.Get("Transfer-Encoding"), "chunked") {
		return body
	}
	n := len("0\r\n\r\n")
	if body > 0 {
		n += len(strconv.FormatInt(int64(body), 16)) + len("\r\n") + body + len("\r\n")
	}
	return n
}

func unescapePath(path string) string {
	return unescape(strings.ReplaceAll(path, "+", "%2B"))
}
