package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
)

const (
	// offered is how many requests a second are sent while latency is measured.
	offered = 1000
	// probeEvery is after how many of them one is watched until its record can be read.
	probeEvery = 20
	// latencyTime is how long that goes on for each round.
	latencyTime = 5 * time.Second
)

// latency measures how soon a request is recorded at a moderate rate: from the moment at which the broker has taken its
// message to the moment at which another connection reads its record. It includes the way to the consumer.
func (b *bench) latency(ctx context.Context) (err error) {
	t, err := b.database(ctx)
	if err != nil {
		return err
	}
	topic, err := b.fill(ctx, kind{name: "latency", per: 1, bodies: true}, queues)
	if err != nil {
		return err
	}
	c, address, err := b.start(ctx, topic, t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Drain()) }()
	for done := 0; done < queues; time.Sleep(10 * time.Millisecond) {
		if done, err = committed(ctx, address); err != nil {
			return err
		}
		if err := errors.Join(c.Check(), ctx.Err()); err != nil {
			return err
		}
	}
	producer, err := rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: b.stack.RocketMQ.NameServers()})
	if err != nil {
		return err
	}
	defer producer.Close()
	db, err := sql.Open("mysql", t.dsn+"&interpolateParams=true")
	if err != nil {
		return err
	}
	defer db.Close()
	ticker := time.NewTicker(time.Second / offered)
	defer ticker.Stop()
	taken := make(chan time.Duration, b.rounds*int(latencyTime.Seconds())*offered)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(senders)
	warm := time.Now().Add(b.warm) // a broker that has just started compiles its code first
	end := warm.Add(time.Duration(b.rounds) * latencyTime)
	for n := queues; time.Now().Before(end) && ctx.Err() == nil; n++ {
		<-ticker.C
		group.Go(func() error {
			entry, err := b.traffic.entry(n, time.Now().UnixMilli(), true, 0)
			if err != nil {
				return err
			}
			if err := producer.Send(ctx, rocketlog.Message{Topic: topic, Body: []byte(entry)}); err != nil {
				return err
			}
			sent := time.Now()
			if n%probeEvery != 0 || sent.Before(warm) {
				return nil
			}
			if err := visible(ctx, db, fmt.Sprintf("%032x", n+1)); err != nil {
				return err
			}
			taken <- time.Since(sent)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	close(taken)
	all := slices.Sorted(chanValues(taken))
	b.results.add("commit_latency_p50", "ms", all[len(all)/2].Seconds()*1e3)
	b.results.add("commit_latency_p99", "ms", all[len(all)*99/100].Seconds()*1e3)
	return nil
}

// visible waits until the record of a request can be read.
func visible(ctx context.Context, db *sql.DB, id string) error {
	for {
		var there bool
		if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM mq_consume_log WHERE request_id = ?)", id).Scan(&there); err != nil || there {
			return err
		}
		time.Sleep(500 * time.Microsecond)
	}
}

func chanValues[T any](c <-chan T) func(func(T) bool) {
	return func(yield func(T) bool) {
		for v := range c {
			if !yield(v) {
				return
			}
		}
	}
}
