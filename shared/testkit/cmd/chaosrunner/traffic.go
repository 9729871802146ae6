package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/numbers"
	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// lost is the tag of messages that never reach the broker.
const lost = "lost"

// generation is the gateway between two changes of its configuration.
type generation struct {
	*gateway.Gateway
	number int
}

// newGeneration makes a gateway whose routes ask the plugin for all that it can, under names of this generation.
func (p *parts) newGeneration(number int) (*generation, error) {
	logger := func(tag string) *rocketlog.Conf {
		return &rocketlog.Conf{Topic: p.name, Tag: tag, BatchMaxSize: 20, InactiveTimeout: time.Second, MaxRetryCount: 100, RetryDelay: time.Second}
	}
	conf := func(more string) *gateway.ExtPlugin {
		return gateway.BillingKeys(fmt.Sprintf(`{%s"dimensions":{"of%d":"header:X-Of","n":"var:arg_n"}}`, more, number))
	}
	strict := conf("")
	strict.AllowDegradation = false
	fromHeaders := nginx.Header{{Name: "X-Billing-Request-Id", Value: "$request_id"}, {Name: "X-Billing-Consumer", Value: "$consumer_name"}}
	var routes []gateway.Route
	for id, plugins := range map[string]gateway.Plugins{
		"var":     {PostReq: conf(""), Logger: logger("")},
		"headers": {PostReq: conf(`"identity_from":"headers","plain_consumer":false,`), ProxyRewrite: fromHeaders, Logger: logger("")},
		"order":   {PostReq: conf(`"idempotency_header":"Idempotency-Key",`), Logger: logger("")},
		"strict":  {PostReq: strict, Logger: logger("")},
		"lost":    {PostReq: conf(""), Logger: logger(lost)},
	} {
		routes = append(routes, gateway.Route{ID: id, Prefix: "/" + id + "/", KeyAuth: true, Plugins: plugins, Upstream: upstream.ByQuery})
	}
	routes = append(routes, gateway.Route{ID: "twice", Prefix: "/twice/", Upstream: upstream.ByQuery,
		Plugins: gateway.Plugins{PreReq: conf(""), PostReq: conf(""), Logger: logger("")}})
	g, err := gateway.New(gateway.Config{
		Runner: p.ways, Sender: rocketlog.SenderFunc(p.send), Metadata: rocketlog.Metadata{LogFormatExtra: rocketlog.BillingExtra()},
		Routes: routes, APIKeys: map[string]string{"key-of-acme": "acme", "key-of-globex": "globex"}, Observe: p.book.Observe,
	})
	return &generation{g, number}, err
}

// send brings a message to the broker and writes down what it holds. A gateway that throws away its buffers does not stop it:
// whether a message arrived must be known.
func (p *parts) send(ctx context.Context, m rocketlog.Message) error {
	if m.Tag == lost {
		return nil
	}
	if err := p.producer.Send(context.WithoutCancel(ctx), m); err != nil {
		return err
	}
	return p.book.Arrived(bytes.Clone(m.Body))
}

// request is the n-th request, to this generation; the book knows what its stamp has to say.
func (p *parts) request(g *generation, n int) gateway.Request {
	ids := []string{"var", "headers", "order", "strict", "lost", "twice"}
	route, consumer := ids[rand.IntN(len(ids))], []string{"acme", "globex"}[rand.IntN(2)]
	of := fmt.Sprint("of ", n)
	want := numbers.Want{Consumer: consumer, Dimensions: map[string]string{fmt.Sprint("of", g.number): of, "n": fmt.Sprint(n)}}
	header := nginx.Header{{Name: "apikey", Value: "key-of-" + consumer}, {Name: "X-Of", Value: of}}
	if route == "twice" {
		want.Consumer = "" // it is bound before authentication, and there is none
	}
	key := fmt.Sprint("key ", n)
	header.Add("Idempotency-Key", key)
	if route == "order" {
		want.IdempotencyKey = key
	}
	switch rand.IntN(10) {
	case 0: // a frame that comes in pieces
		header.Add("X-Large", strings.Repeat("v", rand.IntN(200<<10)))
	case 1: // a flood
		for i := range 90 + rand.IntN(20) {
			header.Add(fmt.Sprint("X-Filler-", i), "f")
		}
		header.Set("X-Of", of)
	case 2: // a forger
		for _, name := range []string{"X_Billing_Stamp", "x-billing-stamp", "X-Billing_Stamp"} {
			header.Add(name, "v1.k.forged")
		}
	}
	uri := fmt.Sprintf("/%s/v1?n=%d&prompt=1&completion=1", route, n)
	p.book.Intend(uri, want)
	return gateway.Request{Method: "GET", URI: uri, Header: header}
}
