package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
)

type options struct {
	runner, consumer string
	requests         int
	seed             uint64
	limit            time.Duration
	serve            bool
	ready            string
	// then is a command to run in the end, instead of a story.
	then []string
}

var errDiffers = errors.New("what was sent is not what was recorded")

// run plays the whole story. Whatever it starts it also stops, on every way out.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	s := story{out, time.Now()}
	if len(o.then) > 0 {
		s.out = io.Discard
	}
	p, err := startParts(ctx, o, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()

	if err := play(ctx, o, s, p); err != nil {
		return err
	}
	if err := p.awaitAll(ctx); err != nil {
		return err
	}
	if err := p.consumer.stop(); err != nil {
		return err
	}
	s.tell("all is there; the consumer drained and stopped on SIGTERM")
	serve, url, err := p.consumer.serveAPI(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, serve.Drain()) }()
	s.tell("billing-consumer serve answers on %s", url)
	if err := verdict(ctx, s, p, url); err != nil {
		return err
	}
	return then(ctx, o.then, p, url)
}

// play sends everything and kills the consumer in the middle of it.
func play(ctx context.Context, o options, s story, p *parts) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sending sync.WaitGroup
	defer sending.Wait()
	sent := make(chan error, 1)
	s.tell("sending %d requests over three routes", o.requests)
	sending.Go(func() { sent <- send(ctx, p.gateway, requests(o.requests, o.seed)) })

	killedAt, err := p.await(ctx, func(now progress) bool { return now.records >= int64(o.requests)/4 })
	if err != nil {
		return err
	}
	if len(o.then) == 0 { // what comes then is no story of accidents, and need not wait for the broker to see this one
		if err := p.consumer.kill(); err != nil {
			return err
		}
		s.tell("SIGKILL for the consumer, with %d records written", killedAt.records)
		if err := p.consumer.start(); err != nil {
			return err
		}
		s.tell("the consumer starts again")
	}

	if err := <-sent; err != nil {
		return err
	}
	if err := p.gateway.Flush(ctx); err != nil {
		return err
	}
	garbage := rocketlog.Message{Topic: p.topic, Tag: tagBatch, Body: []byte(`[{"route_id":"chat","request":{"uri":"/v1/ch`)}
	if err := p.producer.Send(ctx, garbage); err != nil {
		return err
	}
	stats := p.gateway.Stats()
	if stats.Dropped > 0 {
		return fmt.Errorf("the gateway lost %d entries on the way to RocketMQ", stats.Dropped)
	}
	s.tell("sent: %d messages with %d entries (%d of them copies), and one message of garbage",
		p.thrice.messages, p.thrice.entries, p.thrice.entries-p.tally.total().requests)
	return nil
}

// verdict reads the tables and compares them with what was sent.
func verdict(ctx context.Context, s story, p *parts, url string) error {
	recorded, err := readAccounts(ctx, p.db)
	if err != nil {
		return err
	}
	now, err := readProgress(ctx, p.db)
	if err != nil {
		return err
	}
	states, err := readCounts(ctx, p.db, `SELECT key_state, COUNT(*) FROM mq_consume_log GROUP BY key_state`)
	if err != nil {
		return err
	}
	reasons, err := readCounts(ctx, p.db, `SELECT reason, COUNT(*) FROM dead_letter GROUP BY reason`)
	if err != nil {
		return err
	}
	deltaRequests, deltaTokens, err := readDeltas(ctx, p.db)
	if err != nil {
		return err
	}
	days := daysOf(s.start, time.Now())
	answered, err := askAccounts(ctx, p, url, days)
	if err != nil {
		return err
	}
	s.usage(recorded)
	copies := p.thrice.entries - p.tally.total().requests
	fmt.Fprintf(s.out, "duplicates absorbed   %d (%d copies, %d read again after the consumer was killed)\n", now.duplicates, copies, now.duplicates-copies)
	fmt.Fprintf(s.out, "dead letters          %s\n", counts(reasons))
	fmt.Fprintf(s.out, "stamps                %s\n", counts(states))
	fmt.Fprintf(s.out, "without usage         %d answers with 502, %d streams given up by their client\n\n", p.tally.refused, p.tally.aborted)
	reported, byHTTP, err := s.showUsage(ctx, p, url, days)
	if err != nil {
		return err
	}

	sent, got := p.tally.total(), totalOf(recorded)
	ok := s.check("requests sent = records", sent.requests, got.requests)
	ok = s.check("tokens sent = tokens recorded", sent.tokens(), got.tokens()) && ok
	ok = s.check("requests sent = records in sums", sent.requests, deltaRequests) && ok
	ok = s.check("tokens sent = tokens in sums", sent.tokens(), deltaTokens) && ok
	ok = s.check("tokens sent = tokens by HTTP", sent.tokens(), totalOf(answered).tokens()) && ok
	ok = s.check(shownConsumer+" in the terminal = by HTTP", reported, byHTTP) && ok
	ok = s.check("garbage sent = dead letters", 1, now.deadLetters) && ok
	for _, key := range inOrder(p.tally.accounts, recorded, answered) {
		if p.tally.accounts[key] != recorded[key] || recorded[key] != answered[key] {
			fmt.Fprintf(s.out, "%q on route %q: sent %+v, recorded %+v, by HTTP %+v\n", key.consumer, key.route, p.tally.accounts[key],
				recorded[key], answered[key])
			ok = false
		}
	}
	if !ok {
		return errDiffers
	}
	fmt.Fprintln(s.out, "\nall of it is stopped and removed again; make up keeps such a system running")
	return nil
}

// await polls the ledger until done, and fails where the consumer died meanwhile.
func (p *parts) await(ctx context.Context, done func(progress) bool) (progress, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last progress
	for {
		now, err := readProgress(ctx, p.db)
		if err == nil {
			last = now
			if done(now) {
				return now, nil
			}
		}
		if died := p.consumer.check(); died != nil {
			return last, died
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last, fmt.Errorf("waiting for the consumer ended at %+v: %w\n%s", last, context.Cause(ctx), p.consumer.lastLog())
		}
	}
}

// awaitAll waits until the group has acknowledged every message of the topic.
func (p *parts) awaitAll(ctx context.Context) error {
	_, err := p.await(ctx, func(progress) bool {
		written, err := p.servers.RocketMQ.MaxOffsets(ctx, p.topic)
		if err != nil {
			return false
		}
		read, err := p.servers.RocketMQ.CommittedOffsets(ctx, p.group, p.topic)
		return err == nil && slices.Equal(read, written)
	})
	return err
}
