package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

const (
	// tagBatch marks the global rule's messages, tagSingle those of the route that is logged a second time.
	tagBatch, tagSingle = "batch", "single"
	// pace is the time between two requests: slow enough to kill something in the middle.
	pace = 5 * time.Millisecond
)

var apiKeys = map[string]string{"key-of-acme": "acme", "key-of-alice": "alice"}

// bindings are three routes: JSON answers, streams, and one without authentication. The global rule stamps and logs all
// of them, in batches; the streams are logged again by their route, one entry a message, so each of them arrives twice.
func bindings(topic string) ([]gateway.Route, gateway.Plugins) {
	batches := rocketlog.Conf{
		Topic: topic, Tag: tagBatch, BatchMaxSize: 20, InactiveTimeout: time.Second,
		MaxRetryCount: 5, RetryDelay: 100 * time.Millisecond,
		IncludeRequestBody: true, IncludeResponseBody: true,
	}
	singles := batches
	singles.Tag, singles.BatchMaxSize = tagSingle, 1
	routes := []gateway.Route{
		{ID: "chat", Prefix: "/v1/chat", KeyAuth: true, Upstream: upstream.ByQuery},
		{ID: "stream", Prefix: "/v1/stream", KeyAuth: true, Upstream: upstream.ByQuery, Plugins: gateway.Plugins{Logger: &singles}},
		{ID: "open", Prefix: "/open", Upstream: upstream.ByQuery},
	}
	return routes, gateway.Plugins{PostReq: gateway.BillingKeys(`{}`), Logger: &batches}
}

// requests makes n of them: half JSON, of which some get a 502, a third streams, of which some are given up by their
// client, the rest anonymous.
func requests(n int, seed uint64) []gateway.Request {
	random := rand.New(rand.NewPCG(seed, 0))
	all := make([]gateway.Request, n)
	for i := range all {
		prompt, completion := 10+random.Int64N(2000), 1+random.Int64N(500)
		query := fmt.Sprintf("prompt=%d&completion=%d&cached=%d&reasoning=%d", prompt, completion, random.Int64N(prompt), random.Int64N(completion))
		key := []string{"key-of-acme", "key-of-alice"}[random.IntN(2)]
		odd := random.IntN(12) == 0
		switch kind := random.IntN(10); {
		case kind < 5 && odd:
			all[i] = post("/v1/chat?status=502", key, `{"model":"gpt-4o-mini","messages":[]}`)
		case kind < 5:
			all[i] = post("/v1/chat?"+query, key, `{"model":"gpt-4o-mini","messages":[]}`)
		case kind < 8:
			all[i] = post("/v1/stream?stream=5&"+query, key, `{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[]}`)
			if odd {
				all[i].Abort, all[i].AbortAfter = gateway.AbortMidStream, 150*time.Millisecond
			}
		default:
			all[i] = post("/open?"+query, "", `{"model":"gpt-4o-mini","messages":[]}`)
		}
	}
	return all
}

func post(uri, key, body string) gateway.Request {
	header := nginx.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "demo"}}
	if key != "" {
		header.Add("apikey", key)
	}
	return gateway.Request{Method: "POST", URI: uri, Header: header, Body: []byte(body)}
}

// send sends the requests at the pace.
func send(ctx context.Context, g *gateway.Gateway, all []gateway.Request) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for _, request := range all {
		<-tick.C
		if _, err := g.Do(ctx, request); err != nil {
			return err
		}
	}
	return nil
}
