package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

const defaultUpstream = "127.0.0.1:1980"

// proxy passes the request to the upstream and its answer to the client.
func (l *life) proxy(context.Context) bool {
	if l.bodyAborted() {
		return true
	}
	l.x.Upstream = l.route.Address
	if l.x.Upstream == "" {
		l.x.Upstream = defaultUpstream
	}
	answer := l.route.Upstream(upstream.Call{
		Method: l.x.Method, URI: l.x.URI, Header: l.x.Header.Clone(), Body: l.x.Body,
	})
	l.x.Upstream = strings.Join(append(slices.Clone(answer.Failed), l.x.Upstream), ", ")
	l.x.UpstreamLatency = answer.Latency
	switch {
	case l.request.Abort == AbortBeforeAnswer:
		l.x.UpstreamLatency = l.request.AbortAfter
		l.gone(499, nil, 0)
	case answer.Failure == upstream.Refused:
		l.upstreamPage(http.StatusBadGateway)
	case answer.Failure == upstream.TimedOut:
		l.upstreamPage(http.StatusGatewayTimeout)
	case l.request.Abort == AbortMidStream:
		l.x.UpstreamLatency = l.request.AbortAfter
		l.delivered = answer.Body[:len(answer.Body)/2]
		header := l.proxied(answer, len(answer.Body))
		l.gone(answer.Status, header, len(l.delivered))
	default:
		wire := wireSize(answer)
		l.usage = answer.Usage
		l.respond(answer.Status, l.proxied(answer, wire), wire, answer.Body)
	}
	return true
}

// bodyAborted reads the body, and ends the request where the client went away inside its own body: a 400 that nobody gets.
func (l *life) bodyAborted() bool {
	if l.request.Abort == AbortInBody {
		l.x.UpstreamLatency = l.request.AbortAfter
		l.gone(http.StatusBadRequest, nil, 0)
		l.x.UpstreamLatency = 0
		return true
	}
	if !l.x.BodyRead {
		l.x.BodyRead = true
		l.x.Received += nginx.BodySize(l.x.Header, len(l.x.Body))
	}
	return false
}

// proxied is the upstream's header as nginx passes it on.
func (l *life) proxied(answer upstream.Answer, wire int) nginx.Header {
	header := answer.Header.Clone()
	if answer.Gzip {
		header.Set("Content-Encoding", "gzip")
	}
	if answer.Chunked {
		header.Set("Transfer-Encoding", "chunked")
	} else {
		header.Set("Content-Length", strconv.Itoa(wire))
	}
	header.Set("Date", l.gateway.config.Now().UTC().Format(http.TimeFormat))
	if answer.Status >= 500 {
		header.Set("X-APISIX-Upstream-Status", strconv.Itoa(answer.Status))
	}
	return header
}

// exit is an answer that APISIX's Lua code gives.
func (l *life) exit(status int, body string) {
	header := nginx.Header{{Name: "Transfer-Encoding", Value: "chunked"}}
	if !l.answer.Has("Content-Type") {
		header.Add("Content-Type", "text/plain; charset=utf-8")
	}
	l.respond(status, header, len(body), []byte(body))
}

// page is an answer that nginx gives: its HTML page.
func (l *life) page(status int) {
	title := fmt.Sprint(status, " ", nginx.StatusText(status))
	body := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n" +
		"<hr><center>openresty</center>\r\n" +
		"<p><em>Powered by <a href=\"https://apisix.apache.org/\">APISIX</a>.</em></p></body>\r\n</html>\r\n"
	header := nginx.Header{
		{Name: "Content-Type", Value: "text/html; charset=utf-8"},
		{Name: "Content-Length", Value: strconv.Itoa(len(body))},
	}
	l.respond(status, header, len(body), []byte(body))
}

func (l *life) upstreamPage(status int) {
	l.answer.Set("X-APISIX-Upstream-Status", strconv.Itoa(status))
	l.page(status)
}

// respond ends the request with a whole answer; wire is the body's size as it is sent.
func (l *life) respond(status int, header nginx.Header, wire int, body []byte) {
	l.delivered = body
	l.end(status, header, wire, "close")
	limit := 0
	for _, conf := range l.loggers() {
		limit = max(limit, conf.WantsResponseBody())
	}
	// The loggers of a request share one copy; that the largest limit counts is assumed.
	if limit > 0 {
		l.x.AnswerBody = body[:min(len(body), limit):len(body)]
		if l.x.AnswerBody == nil {
			l.x.AnswerBody = []byte{}
		}
	}
}

// gone ends the request of a client that went away after sent bytes of the answer's body, or before its header (nil).
func (l *life) gone(status int, header nginx.Header, sent int) {
	l.end(status, header, sent, "keep-alive")
	if header == nil {
		l.x.Sent = 0
		l.x.AnswerHeader.Del("Server")
	}
}

func (l *life) end(status int, header nginx.Header, wire int, connection string) {
	l.x.Status = status
	l.x.AnswerHeader = append(l.answer.Clone(), header...)
	l.x.AnswerHeader.Set("Server", "APISIX/"+l.gateway.config.Server.Version)
	l.x.Sent = nginx.AnswerSize(status, l.x.AnswerHeader, wire)
	l.x.AnswerHeader.Set("Connection", connection)
	l.x.End = l.gateway.config.Now().Add(l.x.UpstreamLatency)
}

func wireSize(answer upstream.Answer) int {
	if !answer.Gzip {
		return len(answer.Body)
	}
	var wire bytes.Buffer
	w := gzip.NewWriter(&wire)
	_, _ = w.Write(answer.Body) // a bytes.Buffer takes everything
	_ = w.Close()
	return wire.Len()
}
