package app

import (
	"cmp"
	"context"
	"sync"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ops"
	"gateway-billing.internal/consumer/internal/source"
)

// A DLQ holds what once failed: it need not be fast, and must not take memory from the topic.
const (
	dlqConcurrency   = 16
	dlqPullBatch     = 32
	dlqQueueMessages = 64
	dlqBufferMiB     = 16
)

// newDLQ makes the source of the group's DLQ, nil when it is not taken in. It is no part of readiness: a group without a
// DLQ is as it should be, and the topic goes on whatever becomes of the DLQ. What keeps it from being read stands in the
// log, from its first look at the start on.
func newDLQ(cfg config.Config, handle source.Handler, log zerolog.Logger, metrics *ops.Metrics) (*source.Source, error) {
	if !cfg.RocketMQ.DLQ {
		return nil, nil //nolint:nilnil // no source is no error
	}
	return source.New(dlqOptions(cfg), handle, log, metrics)
}

func dlqOptions(cfg config.Config) source.Options {
	options := sourceOptions(cfg)
	options.Topic, options.Tag = source.DLQ(cfg.RocketMQ.Group), "*"
	options.Group = cmp.Or(cfg.RocketMQ.DLQGroup, cfg.RocketMQ.Group+"-dlq")
	options.Start = source.StartFirst
	options.Reconsume = false // a message must not go round from DLQ to DLQ
	options.Concurrency, options.PullBatch = dlqConcurrency, dlqPullBatch
	options.QueueMessages, options.BufferMiB = dlqQueueMessages, dlqBufferMiB
	return options
}

// runAll runs the sources that there are until ctx ends and all have drained.
func runAll(ctx context.Context, sources ...*source.Source) []error {
	errs := make([]error, len(sources))
	var running sync.WaitGroup
	for i, s := range sources {
		if s != nil {
			running.Go(func() { errs[i] = s.Run(ctx) })
		}
	}
	running.Wait()
	return errs
}
