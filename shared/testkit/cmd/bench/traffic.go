package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/stack"
)

// keys are the secrets of runner and consumer.
const keys = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// template is a log entry as a real gateway writes it, of 2.2 KB with its bodies.
const template = `{"billing":{"request_id":"@ID@","stamp":"@STAMP@"},"server":{"version":"3.18.0","hostname":"gateway-1"},"route_id":"chat",` +
	`"upstream_latency":612,"apisix_latency":3.000020980835,"consumer":{"username":"alice"},"service_id":"","latency":615.000020980835,` +
	`"request":{"url":"http://127.0.0.1:9080/v1/chat/completions",@REQUEST@"headers":{"host":"127.0.0.1:9080","apikey":"alice-key",` +
	`"x-billing-request-id":"@ID@","x-billing-stamp":"@STAMP@","x-forwarded-proto":"http","user-agent":"OpenAI/Python 1.40.0",` +
	`"accept":"application/json","x-consumer-username":"alice","content-length":"341","content-type":"application/json"},` +
	`"size":612,"uri":"/v1/chat/completions","method":"POST","querystring":{}},"response":{@RESPONSE@"size":988,"status":200,` +
	`"headers":{"server":"APISIX/3.18.0","content-type":"application/json","x-billing-request-id":"@ID@","content-length":"772",` +
	`"date":"Sun, 22 Nov 2026 12:11:01 GMT","connection":"close"}},"start_time":@MS@,"client_ip":"127.0.0.1","upstream":"127.0.0.1:1980"}`

const (
	requestBody  = `"body":"{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"system\",\"content\":\"You answer in one sentence.\"},{\"role\":\"user\",\"content\":\"What does a gateway need so that its requests can be billed from its log, none lost and none twice?\"}]}",`
	responseBody = `"body":"{\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"message\":{\"content\":\"Keys that it makes itself for each request, carried in the log entry, and a consumer that records each key once in the same transaction that it acknowledges behind.\",\"role\":\"assistant\"}}],\"created\":1700000000,\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o-mini\",\"object\":\"chat.completion\",\"usage\":{\"completion_tokens\":38,\"completion_tokens_details\":{\"reasoning_tokens\":2},\"prompt_tokens\":52,\"prompt_tokens_details\":{\"cached_tokens\":4},\"total_tokens\":90}}",`
)

// traffic makes entries. It is safe for concurrent use.
type traffic struct{ sealer *billingkey.Sealer }

func newTraffic() (*traffic, error) {
	set, err := billingkey.ParseKeys(keys)
	if err != nil {
		return nil, err
	}
	sealer, err := billingkey.NewSealer(set, billingkey.NewEpoch(time.Now(), 7), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &traffic{sealer}, nil
}

// entry is the entry of request number n, that began at a time: ten a millisecond when they are made in a row.
func (t *traffic) entry(n int, ms int64, bodies bool, padding int) (string, error) {
	id := fmt.Sprintf("%032x", n+1)
	parsed, err := billingkey.ParseRequestID(id)
	if err != nil {
		return "", err
	}
	stamp, err := t.sealer.Seal(stampOf(parsed, ms))
	if err != nil {
		return "", err
	}
	request, response := "", ""
	if bodies {
		request, response = requestBody, strings.Replace(responseBody, "Keys that", strings.Repeat("Long answers. ", padding/14)+"Keys that", 1)
	}
	return strings.NewReplacer("@ID@", id, "@STAMP@", stamp, "@MS@", strconv.FormatInt(ms, 10), "@REQUEST@", request,
		"@RESPONSE@", response).Replace(template), nil
}

func stampOf(id billingkey.RequestID, ms int64) billingkey.Stamp {
	return billingkey.Stamp{RequestID: id, IDSource: billingkey.IDFromVar, Consumer: "alice", Time: time.UnixMilli(ms), Runner: "gateway-1"}
}

// seal says how long sealing a stamp takes.
func (t *traffic) seal() (time.Duration, error) {
	const stamps = 100_000
	start := time.Now()
	for n := range stamps {
		if _, err := t.sealer.Seal(stampOf(billingkey.RequestID{1}, int64(n))); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / stamps, nil
}

// kind is a topic's content.
type kind struct {
	name string
	// per is how many entries a message holds; of 1 it is an object, as the logger writes it.
	per    int
	bodies bool
	// padding makes the answers longer by so many bytes.
	padding int
}

// senders fill a topic at once.
const senders = 64

// fill makes a topic with that many requests.
func (b *bench) fill(ctx context.Context, k kind, requests int) (topic string, err error) {
	topic = b.name(k.name)
	if err := b.stack.RocketMQ.CreateTopic(ctx, topic, queues, stack.ReadWrite); err != nil {
		return "", err
	}
	producer, err := rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: b.stack.RocketMQ.NameServers()})
	if err != nil {
		return "", err
	}
	defer producer.Close()
	began := time.Now().UnixMilli()
	var next atomic.Int64
	var sending sync.WaitGroup
	failed := make(chan error, senders)
	for range senders {
		sending.Go(func() {
			for {
				from := int(next.Add(int64(k.per))) - k.per
				if from >= requests || ctx.Err() != nil {
					return
				}
				body, err := b.message(k, from, min(from+k.per, requests), began)
				if err == nil {
					err = producer.Send(ctx, rocketlog.Message{Topic: topic, Body: body})
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	sending.Wait()
	select {
	case err := <-failed:
		return "", err
	default:
		return topic, ctx.Err()
	}
}

func (b *bench) message(k kind, from, to int, began int64) ([]byte, error) {
	var parts []string
	for n := from; n < to; n++ {
		entry, err := b.traffic.entry(n, began+int64(n/10), k.bodies, k.padding)
		if err != nil {
			return nil, err
		}
		parts = append(parts, entry)
	}
	if k.per == 1 {
		return []byte(parts[0]), nil
	}
	return []byte("[" + strings.Join(parts, ",") + "]"), nil
}
