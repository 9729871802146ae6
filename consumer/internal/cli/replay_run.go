package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/replay"
)

// closeWriter is how long the ledger's writer may take to stop when nothing is in flight any more.
const closeWriter = 2 * time.Second

// replayWork is one replay under way.
type replayWork struct {
	cmd     *cobra.Command
	cfg     config.Config
	flags   replayFlags
	deriver *pipeline.Deriver
	store   *ledger.Store
	state   *replay.State
	input   replay.Input
	began   time.Time

	progress *replay.Progress // nil until it is shown
}

// say tells an operator something that stays on standard error.
func (w *replayWork) say(text string) {
	if w.progress != nil {
		w.progress.Say(name + ": " + text)
		return
	}
	fmt.Fprintf(w.cmd.ErrOrStderr(), "%s: %s\n", name, text)
}

// showing shows the progress while do works.
func (w *replayWork) showing(ctx context.Context, totals func() replay.Totals, do func(context.Context) error) error {
	before := totals().Messages
	stderr := w.cmd.ErrOrStderr()
	w.progress = replay.NewProgress(stderr, isTerminal(stderr), func() string {
		line := replay.Line(totals(), w.input, w.began, before)
		if state := w.store.State(); !state.Ready {
			line += fmt.Sprintf("; waiting for the database: %v", state.Err)
		}
		return line
	})
	for _, note := range w.input.Notes() {
		w.say(note)
	}
	shown, stop := context.WithCancel(context.WithoutCancel(ctx))
	var showing sync.WaitGroup
	showing.Go(func() { w.progress.Show(shown) })
	defer showing.Wait()
	defer stop()
	return do(ctx)
}

// record replays into the ledger.
func (w *replayWork) record(ctx context.Context) error {
	writer := w.store.NewWriter()
	options := replay.Options{Deriver: w.deriver, Ledger: writer, Rate: w.flags.rate, Drain: w.cfg.DrainLimit}
	if w.flags.state != "" {
		options.Save = func(s *replay.State) error { return s.Save(w.flags.state) }
		if w.state.Totals.Messages > 0 {
			w.say(fmt.Sprintf("going on behind %d messages that an earlier run recorded", w.state.Totals.Messages))
		}
	}
	resumed := w.state.Totals.Messages > 0
	run := replay.New(options, w.input, w.state)
	err := w.showing(ctx, func() replay.Totals { return run.State().Totals }, run.Do)
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), closeWriter)
	defer done()
	closed := writer.Close(closing)
	if err == nil {
		err = closed
	}
	totals := run.State().Totals
	return errors.Join(w.summary(&totals, "recorded", resumed, err == nil), w.ended(err))
}

// ended says of an interruption what there is to do.
func (w *replayWork) ended(err error) error {
	switch {
	case err == nil || !errors.Is(err, replay.ErrInterrupted):
		return err
	case w.flags.state != "":
		return fmt.Errorf("%w: the same command goes on from here", err)
	default:
		return fmt.Errorf("%w: what was read is recorded; without --state the same command begins again", err)
	}
}

// summary writes the end: what became of the messages, those of earlier runs among them where it was resumed, and what could
// not be read.
func (w *replayWork) summary(totals *replay.Totals, fresh string, resumed, complete bool) error {
	out := w.cmd.OutOrStdout()
	notes := w.input.Notes()
	if w.flags.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(summaryView{
			Summary: true, DryRun: w.flags.dryRun, Resumed: resumed, Complete: complete, Totals: totals, Notes: notes,
		})
	}
	if w.flags.dryRun {
		fmt.Fprintln(out, "dry run: nothing was written")
	}
	if resumed {
		fmt.Fprintln(out, "of this run and of the earlier ones that --state knows, together:")
	}
	if err := totals.Write(out, fresh); err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintf(out, "note      %s\n", note)
	}
	if !complete {
		fmt.Fprintln(out, "not complete")
	}
	return nil
}

// summaryView is the last line of --output json.
type summaryView struct {
	Summary bool `json:"summary"`
	DryRun  bool `json:"dry_run"`
	// Resumed says that the totals are those of earlier runs too.
	Resumed  bool `json:"resumed"`
	Complete bool `json:"complete"`
	*replay.Totals
	Notes []string `json:"notes"`
}
