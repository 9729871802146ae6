package nginx

import (
	"fmt"
	"strings"
	"time"
)

// Var is the value of a variable as APISIX's ctx.var gives it: a string, or a float64 for the few that APISIX turns into
// numbers (status, sizes, times). false is a variable without a value: a log format leaves it out, a runner gets nothing.
func (x *Exchange) Var(name string) (any, bool) {
	if field, ok := strings.CutPrefix(name, "http_"); ok {
		return text(x.Header.Variable(variableName(field)))
	}
	if field, ok := strings.CutPrefix(name, "sent_http_"); ok {
		return text(x.AnswerHeader.Variable(variableName(field)))
	}
	if arg, ok := strings.CutPrefix(name, "arg_"); ok {
		return text(x.arg(arg))
	}
	if number, ok := x.number(name); ok {
		return number, true
	}
	value, ok := x.text(name)
	return text(value, ok)
}

// VarText is Var with numbers printed, as the runner gets them.
func (x *Exchange) VarText(name string) (string, bool) {
	value, ok := x.Var(name)
	if number, isNumber := value.(float64); isNumber {
		return FormatNumber(number), true
	}
	s, _ := value.(string)
	return s, ok
}

func (x *Exchange) number(name string) (float64, bool) {
	switch name {
	case "status":
		return float64(x.Status), x.Status != 0
	case "request_length":
		return float64(x.Received), true
	case "bytes_sent":
		return float64(x.Sent), true
	case "request_time":
		return float64(x.End.UnixMilli()-x.Start.UnixMilli()) / 1000, !x.End.IsZero()
	case "upstream_response_time":
		return float64(x.UpstreamLatency.Milliseconds()) / 1000, x.Upstream != ""
	}
	return 0, false
}

func (x *Exchange) text(name string) (string, bool) {
	switch name {
	case "request_id":
		return x.ID, true
	case "consumer_name":
		return x.Consumer, x.Consumer != ""
	case "route_id":
		return x.RouteID, x.Matched
	case "service_id":
		return x.ServiceID, x.ServiceID != ""
	case "method", "request_method":
		return x.Method, true
	case "uri":
		return x.Path(), true
	case "request_uri":
		return x.URI, true
	case "args":
		return x.Query(), x.Query() != ""
	case "host":
		return x.Host(), true
	case "scheme":
		return "http", true
	case "server_port":
		return fmt.Sprint(x.ServerPort), true
	case "remote_addr":
		return x.RemoteAddr, true
	case "upstream_addr":
		return x.Upstream, x.Upstream != ""
	case "request_body":
		return string(x.Body), x.BodyRead && len(x.Body) > 0
	case "resp_body":
		return string(x.AnswerBody), x.AnswerBody != nil
	case "msec":
		return seconds(x.End), !x.End.IsZero()
	case "time_iso8601":
		return x.End.UTC().Format("2006-01-02T15:04:05-07:00"), !x.End.IsZero()
	}
	return "", false
}

// arg is the first argument of the name, raw: nginx compares without case and unescapes nothing.
func (x *Exchange) arg(name string) (string, bool) {
	for part := range strings.SplitSeq(x.Query(), "&") {
		if key, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(key, name) {
			return value, true
		}
	}
	return "", false
}

func variableName(field string) string {
	return strings.ReplaceAll(strings.ToLower(field), "-", "_")
}

func seconds(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%d.%03d", ms/1000, ms%1000)
}

func text(s string, ok bool) (any, bool) {
	if !ok {
		return nil, false
	}
	return s, true
}
