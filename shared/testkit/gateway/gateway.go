package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/apisixlog"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
)

// Gateway is one APISIX.
type Gateway struct {
	config Config
	logger *rocketlog.Logger
}

// New makes a gateway. It starts nothing: the runner and the sender are the caller's to start and close.
func New(config Config) (*Gateway, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("gateway configuration: %w", err)
	}
	if config.Port == 0 {
		config.Port = 9080
	}
	if config.Server == (apisixlog.Server{}) {
		config.Server = apisixlog.Server{Hostname: "gateway", Version: "3.18.0"}
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Random == nil {
		config.Random = rand.Reader
	}
	if config.Observe == nil {
		config.Observe = func(Truth) {}
	}
	return &Gateway{config: config, logger: rocketlog.New(config.Sender, config.Metadata, config.Server)}, nil
}

// Do takes a request through its whole life and returns what the client got. The error is ctx's: such a request was
// never observed or logged.
func (g *Gateway) Do(ctx context.Context, request Request) (Response, error) {
	id, err := g.newID()
	if err != nil {
		return Response{}, err
	}
	l := &life{gateway: g, request: request}
	l.x = g.receive(id, request)
	l.route = g.match(l.x.Path())
	if l.route != nil {
		l.x.Matched, l.x.RouteID, l.x.ServiceID = true, l.route.ID, l.route.ServiceID
	}
	l.run(ctx)
	if err := ctx.Err(); err != nil {
		return Response{}, err
	}
	g.config.Observe(l.truth())
	for _, conf := range l.loggers() {
		g.logger.Log(conf, l.x)
	}
	return Response{RequestID: id, Status: l.x.Status, Header: l.x.AnswerHeader, Body: l.delivered}, nil
}

// Flush sends all buffered entries, as an APISIX that quits gracefully, and waits until each is delivered or dropped.
func (g *Gateway) Flush(ctx context.Context) error { return g.logger.Flush(ctx) }

// Discard loses all buffered entries, as an APISIX that gets SIGTERM, and returns how many.
func (g *Gateway) Discard() int { return g.logger.Discard() }

// Stats is what became of the entries so far.
func (g *Gateway) Stats() rocketlog.Stats { return g.logger.Stats() }

func (g *Gateway) newID() (string, error) {
	var id [16]byte
	if _, err := io.ReadFull(g.config.Random, id[:]); err != nil {
		return "", fmt.Errorf("request ID: %w", err)
	}
	return hex.EncodeToString(id[:]), nil
}

// receive is the request as it stands before the first plugin: complete header lines, and the forwarding headers that
// APISIX sets itself.
func (g *Gateway) receive(id string, request Request) *nginx.Exchange {
	header := request.Header.Clone()
	if !header.Has("Host") {
		header.Add("Host", fmt.Sprintf("127.0.0.1:%d", g.config.Port))
	}
	switch {
	case request.Chunked:
		header.Set("Transfer-Encoding", "chunked")
	case len(request.Body) > 0 && !header.Has("Content-Length"):
		header.Add("Content-Length", fmt.Sprint(len(request.Body)))
	}
	x := &nginx.Exchange{
		ID: id, Method: request.Method, URI: request.URI, Header: header, Body: request.Body,
		Received:   nginx.RequestSize(request.Method, request.URI, header),
		RemoteAddr: request.RemoteAddr, ServerPort: g.config.Port, Start: g.config.Now(),
	}
	if x.RemoteAddr == "" {
		x.RemoteAddr = "127.0.0.1"
	}
	host := header.Get("Host")
	x.Header.Set("X-Forwarded-Proto", "http")
	x.Header.Set("X-Forwarded-Host", host)
	x.Header.Set("X-Forwarded-Port", fmt.Sprint(g.config.Port))
	return x
}

func (g *Gateway) match(path string) *Route {
	var best *Route
	for i, route := range g.config.Routes {
		if strings.HasPrefix(path, route.Prefix) && (best == nil || len(route.Prefix) > len(best.Prefix)) {
			best = &g.config.Routes[i]
		}
	}
	return best
}
