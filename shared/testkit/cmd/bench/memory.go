package main

import (
	"context"
	"errors"
	"fmt"
)

// backlogs are the parts of the largest backlog whose memory is measured as well, for the page.
var backlogs = []int{10, 4, 2, 1}

// memory measures the most memory that the consumer takes while it drains backlogs of growing size.
func (b *bench) memory(ctx context.Context) error {
	for _, part := range backlogs {
		requests := b.backlog / part
		topic, err := b.fill(ctx, single, requests)
		if err != nil {
			return err
		}
		t, err := b.database(ctx)
		if err != nil {
			return err
		}
		d, err := b.drain(ctx, topic, requests, t)
		if err != nil {
			return fmt.Errorf("%d messages: %w", requests, err)
		}
		if err := b.exactly(ctx, t, requests, true); err != nil {
			return err
		}
		b.results.backlog = append(b.results.backlog, point{requests, d.resident / 1e6})
		if part == 1 {
			b.results.add("rss_peak", "MB", d.resident/1e6)
		}
		if err := errors.Join(b.drop(ctx, t), b.stack.RocketMQ.DeleteTopic(ctx, topic)); err != nil {
			return err
		}
	}
	return nil
}

// The largest messages that are measured: nearly what a broker takes by default, 4 MiB.
var (
	largeBody  = kind{name: "large_body", per: 1, bodies: true, padding: 3_900_000}
	largeBatch = kind{name: "large_batch", per: 1000, bodies: true, padding: 1_600}
)

// outage measures the most memory that the consumer takes while the database hangs and everything waits: the largest
// backlog, and the largest messages.
func (b *bench) outage(ctx context.Context) error {
	return errors.Join(
		b.through(ctx, single, b.backlog),
		b.through(ctx, largeBody, max(b.requests/1000, 4)),
		b.through(ctx, largeBatch, b.requests),
	)
}

func (b *bench) through(ctx context.Context, k kind, requests int) error {
	topic, err := b.fill(ctx, k, requests)
	if err != nil {
		return err
	}
	t, err := b.database(ctx)
	if err != nil {
		return err
	}
	d, err := b.drainThrough(ctx, topic, requests, t, b.hang)
	if err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	if err := b.exactly(ctx, t, requests, true); err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	b.results.add("rss_outage_"+k.name, "MB", d.resident/1e6)
	return errors.Join(b.drop(ctx, t), b.stack.RocketMQ.DeleteTopic(ctx, topic))
}
