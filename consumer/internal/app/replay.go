package app

import (
	"context"
	"errors"
	"io"
	"time"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/replay"
)

// Replay says what is read again, and how.
type Replay struct {
	// File is what is read, "-" for Stdin; empty for the topic from From to To.
	File     string
	Stdin    io.Reader
	From, To time.Time
	// DryRun commits nothing.
	DryRun bool
	// Rate is the most messages a second, 0 for no limit.
	Rate float64
	// State is the file that keeps the position, empty for none.
	State string
	// Tell is told how it goes, in words.
	Tell func(text string)
	// Progress is told how far it is, now and then.
	Progress func(done string, sum replay.Summary)
}

// Run replays until the input ends or ctx does.
func (r Replay) Run(ctx context.Context, cfg config.Config) (sum replay.Summary, err error) {
	deriver, err := NewDeriver(cfg)
	if err != nil {
		return sum, err
	}
	store, err := OpenLedger(cfg)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Current(ctx); err != nil {
		return sum, err
	}
	options := replay.Options{Rate: r.Rate, Tell: r.Progress, Every: 5 * time.Second, Grace: cfg.DrainLimit}
	var at replay.Position
	if r.State != "" {
		if at, err = replay.Load(r.State); err != nil {
			return sum, err
		}
		if !r.DryRun {
			options.Save = func(p replay.Position) error { return replay.Save(r.State, p) }
		}
	}
	input, end, err := r.open(ctx, cfg, at)
	if err != nil {
		return sum, err
	}
	defer end()
	if r.DryRun {
		return replay.Run(ctx, input, replay.Preview(deriver, store), options)
	}
	writer := store.NewWriter()
	defer func() {
		closing, done := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer done()
		err = errors.Join(err, writer.Close(closing))
	}()
	return replay.Run(ctx, input, replay.Commit(deriver, writer), options)
}

func (r Replay) open(ctx context.Context, cfg config.Config, at replay.Position) (replay.Input, func(), error) {
	if r.File != "" {
		file, err := replay.OpenFile(r.File, r.Stdin, at)
		if err != nil {
			return nil, nil, err
		}
		return file, file.Close, nil
	}
	topic, expired, err := replay.OpenTopic(ctx, sourceOptions(cfg), r.From, r.To, at)
	if err != nil {
		return nil, nil, err
	}
	for _, queue := range expired {
		r.Tell("queue " + queue + ": the broker has nothing any more from the beginning of the range; what expired there can't be read")
	}
	return topic, topic.Close, nil
}
