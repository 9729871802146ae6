package main

import (
	"context"
	"fmt"
)

var (
	single  = kind{name: "single", per: 1, bodies: true}
	batch10 = kind{name: "batch10", per: 10, bodies: true}
	batched = kind{name: "batch100", per: 100, bodies: true}
	nobody  = kind{name: "nobody", per: 1}
)

// seedPart is the part of a topic that the seed's way reads: it is slow, and as fast at its end as at its beginning.
const seedPart = 4

// warmReadings is how often a topic is read before anything is measured, so that the broker has compiled what reading takes.
const warmReadings = 3

// throughput measures, in turn, the consumer on topics of each kind and what bounds it.
func (b *bench) throughput(ctx context.Context) error {
	topics := map[string]string{}
	for _, k := range []kind{single, batch10, batched, nobody} {
		var err error
		if topics[k.name], err = b.fill(ctx, k, b.requests); err != nil {
			return fmt.Errorf("fill %s: %w", k.name, err)
		}
	}
	for range warmReadings {
		if b.warm == 0 {
			break
		}
		if _, err := b.transport(ctx, topics[single.name]); err != nil {
			return fmt.Errorf("warming up: %w", err)
		}
	}
	for round := range b.rounds {
		for _, k := range []kind{single, batch10, batched, nobody} {
			if err := b.round(ctx, k, topics[k.name]); err != nil {
				return fmt.Errorf("round %d, %s: %w", round+1, k.name, err)
			}
		}
		rate, err := b.transport(ctx, topics[single.name])
		if err != nil {
			return fmt.Errorf("round %d, transport: %w", round+1, err)
		}
		b.results.add("limit_transport", "records/s", rate)
		if rate, err = b.seedStyle(ctx, topics[single.name], b.requests/seedPart); err != nil {
			return fmt.Errorf("round %d, the seed's way: %w", round+1, err)
		}
		b.results.add("seed_style", "records/s", rate)
	}
	return nil
}

// round drains a topic once into a database of its own.
func (b *bench) round(ctx context.Context, k kind, topic string) error {
	t, err := b.database(ctx)
	if err != nil {
		return err
	}
	d, err := b.drain(ctx, topic, b.requests, t)
	if err != nil {
		return err
	}
	if err := b.exactly(ctx, t, b.requests, k.bodies); err != nil {
		return err
	}
	b.results.add("drain_"+k.name, "records/s", d.rate)
	b.results.add("rss_"+k.name, "MB", d.resident/1e6)
	switch k.name {
	case single.name:
		b.results.add("cpu_per_record", "us", float64(d.cpu.Nanoseconds())/1e3)
		rate, err := b.limitWriter(ctx, t)
		if err != nil {
			return fmt.Errorf("limit_writer: %w", err)
		}
		b.results.add("limit_writer", "records/s", rate)
		again, err := b.drain(ctx, topic, b.requests, t)
		if err != nil {
			return fmt.Errorf("the second reading: %w", err)
		}
		if err := b.exactly(ctx, t, b.requests, true); err != nil {
			return fmt.Errorf("the second reading: %w", err)
		}
		b.results.add("again_single", "records/s", again.rate)
	case batched.name:
		b.results.add("cpu_per_record_batch100", "us", float64(d.cpu.Nanoseconds())/1e3)
	}
	return b.drop(ctx, t)
}
