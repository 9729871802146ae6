package traffic

import (
	"time"

	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/apisixlog"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// Profile is which gateway logs.
type Profile string

// The profiles.
const (
	// Default: the entries carry the billing object.
	Default Profile = "default"
	// OldGateway: they do not, so that the stamp in the request's headers is all there is.
	OldGateway Profile = "old-gateway"
)

// APIKeys are the clients' keys and their APISIX consumers.
var APIKeys = map[string]string{"key-of-acme": "acme", "key-of-globex": "globex", "key-of-alice": "alice"}

// lostPrefix begins the path of the requests whose entries get lost on purpose.
const lostPrefix = "/lost/"

// idempotencyHeader is what the order route takes for an idempotency key.
const idempotencyHeader = "Idempotency-Key"

// Metadata is that of the profile's logger. Nothing is discarded while the broker is away.
func Metadata(profile Profile) rocketlog.Metadata {
	m := rocketlog.Metadata{MaxPendingEntries: 1 << 20}
	if profile == Default {
		m.LogFormatExtra = rocketlog.BillingExtra()
	}
	return m
}

// Global is the global rule: it logs whole entries of every request, in batches.
func Global(topic string) gateway.Plugins {
	return gateway.Plugins{Logger: logger(topic, "global", 25)}
}

// Routes are the ways to log a request beside that: not at all, one entry a message, without bodies, in a format of one's
// own; with the runner and without it. What is logged twice is one record all the same.
func Routes(topic string, profile Profile) []gateway.Route {
	stamps := gateway.BillingKeys(`{}`)
	orders := gateway.BillingKeys(`{"idempotency_header":"` + idempotencyHeader + `"}`)
	bare := logger(topic, "bare", 10)
	bare.IncludeRequestBody, bare.IncludeResponseBody = false, false
	own := bare
	if profile == Default {
		own = logger(topic, "format", 10)
		own.LogFormat = apisixlog.Format{
			"billing": rocketlog.BillingExtra()["billing"], "msec": "$msec", "request_time": "$request_time",
			"consumer": "$consumer_name", "status": "$status", "request_uri": "$request_uri", "response_body": "$resp_body",
			"method": "$request_method", "remote_addr": "$remote_addr", "request_body": "$request_body",
		}
	}
	var all []gateway.Route
	for _, r := range []struct {
		id     string
		auth   bool
		keys   *gateway.ExtPlugin
		logger *rocketlog.Conf
		answer upstream.Func
	}{
		{"chat", true, stamps, nil, upstream.ByQuery},
		{"stream", true, stamps, logger(topic, "single", 1), upstream.ByQuery},
		{"bare", true, stamps, bare, upstream.ByQuery},
		{"format", true, stamps, own, upstream.ByQuery},
		{"open", false, stamps, nil, upstream.ByQuery},
		{"order", true, orders, nil, shop},
		{"lost", true, stamps, nil, upstream.ByQuery},
		{"plain", true, nil, nil, upstream.ByQuery},
		{"plainopen", false, nil, nil, upstream.ByQuery},
	} {
		all = append(all, gateway.Route{
			ID: r.id, Prefix: "/" + r.id + "/", KeyAuth: r.auth, Upstream: r.answer,
			Plugins: gateway.Plugins{PostReq: r.keys, Logger: r.logger},
		})
	}
	return all
}

// logger is a binding that loses nothing while the broker is away.
func logger(topic, tag string, size int) *rocketlog.Conf {
	return &rocketlog.Conf{
		Topic: topic, Tag: tag, BatchMaxSize: size, InactiveTimeout: time.Second,
		MaxRetryCount: 1 << 20, RetryDelay: 300 * time.Millisecond,
		IncludeRequestBody: true, IncludeResponseBody: true,
	}
}
