package main

import (
	"context"
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
		if err := b.drop(ctx, t); err != nil {
			return err
		}
		if err := b.stack.RocketMQ.DeleteTopic(ctx, topic); err != nil {
			return err
		}
	}
	return nil
}
