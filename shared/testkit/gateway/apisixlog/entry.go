package apisixlog

import (
	"strings"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Server is what an entry says of the gateway itself.
type Server struct{ Hostname, Version string }

// DefaultMaxBody is APISIX's limit for either body.
const DefaultMaxBody = 524288

// Default makes the default entry. What is not known is left out: no APISIX consumer for an anonymous request, no
// route_id (and the host as service_id) where no route matched, no upstream where none was called, no request body where it was
// not read, no response body where none was collected. maxRequestBody is how many bytes of the request body this logger
// wants, 0 for none; the collected response body is shared by all loggers of a request and stands as it is.
func Default(x *nginx.Exchange, server Server, maxRequestBody int) Object {
	latency, upstreamLatency, own := latencies(x)
	entry := Object{
		"request": Object{
			"url":         x.URL(),
			"uri":         x.URI,
			"method":      x.Method,
			"headers":     headerTable(x.Header),
			"querystring": argTable(x.Query()),
			"size":        float64(x.Received),
			"body":        requestBody(x, maxRequestBody),
		},
		"response": Object{
			"status":  float64(x.Status),
			"headers": headerTable(x.AnswerHeader),
			"size":    float64(x.Sent),
			"body":    responseBody(x),
		},
		"server":         Object{"hostname": server.Hostname, "version": server.Version},
		"service_id":     x.ServiceID,
		"client_ip":      x.RemoteAddr,
		"start_time":     unixSeconds(x.Start.UnixMilli()) * 1000,
		"latency":        latency,
		"apisix_latency": own,
	}
	if x.Matched {
		entry["route_id"] = x.RouteID
	} else {
		entry["service_id"] = x.Host()
	}
	if x.Consumer != "" {
		entry["consumer"] = Object{"username": x.Consumer}
	}
	if x.Upstream != "" {
		entry["upstream"] = x.Upstream
		entry["upstream_latency"] = upstreamLatency
	}
	return entry
}

// latencies are in ms, computed from seconds in floating point as Lua does, so that the same noise shows.
func latencies(x *nginx.Exchange) (all, upstream, own float64) {
	all = (unixSeconds(x.End.UnixMilli()) - unixSeconds(x.Start.UnixMilli())) * 1000
	upstream = float64(x.UpstreamLatency.Milliseconds()) / 1000 * 1000
	return all, upstream, max(0, all-upstream)
}

func unixSeconds(ms int64) float64 { return float64(ms/1000) + float64(ms%1000)/1000 }

func requestBody(x *nginx.Exchange, limit int) any {
	if limit == 0 || !x.BodyRead || len(x.Body) == 0 {
		return nil
	}
	return string(x.Body[:min(len(x.Body), limit)])
}

func responseBody(x *nginx.Exchange) any {
	if x.AnswerBody == nil {
		return nil
	}
	return string(x.AnswerBody)
}

// headerTable is what ngx.req.get_headers gives: lower-case names, the first nginx.LuaLimit lines, an array where a name
// is repeated.
func headerTable(h nginx.Header) Object {
	table := Object{}
	for _, f := range h.Shown() {
		appendTo(table, strings.ToLower(f.Name), f.Value)
	}
	return table
}

func argTable(query string) Object {
	table := Object{}
	for _, arg := range nginx.ParseArgs(query, nginx.LuaLimit) {
		if arg.Bare {
			appendTo(table, arg.Name, true)
		} else {
			appendTo(table, arg.Name, arg.Value)
		}
	}
	return table
}

func appendTo(table Object, name string, value any) {
	switch earlier := table[name].(type) {
	case nil:
		table[name] = value
	case []any:
		table[name] = append(earlier, value)
	default:
		table[name] = []any{earlier, value}
	}
}
