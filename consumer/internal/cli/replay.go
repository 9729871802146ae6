package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"gateway-billing.internal/consumer/internal/app"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/replay"
	"gateway-billing.internal/consumer/internal/replay/bodyfile"
	"gateway-billing.internal/consumer/internal/replay/topicrange"
)

// replayFlags are what a command line of replay says.
type replayFlags struct {
	config, file, state, output string
	from, to                    time.Time
	rate                        rate.Limit
	dryRun, list                bool
}

func newReplay(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay {--from TIME --to TIME | --file PATH}",
		Short: "Read messages again into the ledger: from a stretch of the topic, or from a file",
		Long: `Read messages again and record what is not recorded yet; what is recorded already is a duplicate. So
a replay may be repeated, and run beside the live consumer.

With --from and --to it reads what the topic's brokers stored in that time, without joining the
consumer group and without touching its offsets; says which part of the time has expired. With
--file it reads message bodies, one a line, from a file or (-) standard input, plain or compressed
with gzip or zstd. A line longer than 16 MiB becomes a dead letter.

SIGINT or SIGTERM finish what is in flight. With --state the same command goes on where it stopped,
however it ended, and its counts are those of all its runs together. With --dry-run nothing is
written: it says what would become of each entry, by the rows that are there now. All parts of the
configuration count as for run, but http and log; rocketmq only without --file.`,
	}
	path := configFlag(cmd)
	file := cmd.Flags().String("file", "", "read message bodies from `PATH`, or - for standard input")
	from := cmd.Flags().String("from", "", "what the brokers stored at this `TIME` or later"+flagTimes)
	to := cmd.Flags().String("to", "", "what the brokers stored before this `TIME`, which has passed")
	state := cmd.Flags().String("state", "", "keep the position in `FILE`, and go on from it")
	limit := cmd.Flags().Float64("rate", 0, "at most `N` messages a second (default: no limit)")
	dry := cmd.Flags().Bool("dry-run", false, "say what would become of the entries and change nothing")
	list := cmd.Flags().Bool("list", false, "with --dry-run: list the entries that are not duplicates")
	output := outputFlag(cmd)
	var f replayFlags
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		f = replayFlags{config: *path, file: *file, state: *state, output: *output, dryRun: *dry, list: *list, rate: rate.Inf}
		if *limit < 0 {
			return errors.New("--rate must not be negative")
		} else if *limit > 0 {
			f.rate = rate.Limit(*limit)
		}
		switch {
		case f.file == "" && (*from == "" || *to == ""):
			return errors.New("say what to read: --from and --to, or --file")
		case f.file != "" && *from+*to != "":
			return errors.New("--file does not go with --from and --to")
		case f.dryRun && f.state != "":
			return errors.New("--dry-run does not go with --state: it gets nothing done that a later run need not do")
		case f.list && !f.dryRun:
			return errors.New("--list goes with --dry-run")
		}
		if f.from, err = timeFlag("from", *from, time.Time{}); err != nil {
			return err
		}
		if f.to, err = timeFlag("to", *to, time.Time{}); err != nil {
			return err
		}
		if f.file == "" && !f.from.Before(f.to) {
			return errors.New("--from must be before --to")
		}
		if f.to.After(time.Now()) {
			return errors.New("--to must have passed: what is stored until then can't be read yet")
		}
		return checkOutput(f.output)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runReplay(cmd, environ, f) }
	return cmd
}

func runReplay(cmd *cobra.Command, environ []string, f replayFlags) (err error) {
	cfg, err := loadFor(cmd, f.config, environ, func(c *config.Config) []config.Validator {
		parts := []config.Validator{c.MySQL, c.Batch, c.Stamp, c.Idempotency, c.Body, c.Routes}
		if f.file == "" {
			parts = append(parts, c.RocketMQ)
		}
		return parts
	})
	if err != nil {
		return err
	}
	deriver, err := app.NewDeriver(cfg)
	if err != nil {
		return err
	}
	store, err := app.OpenLedger(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Current(cmd.Context()); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	of := bodyfile.Of
	if f.file == "" {
		topic := app.TopicRange(cfg, f.from, f.to, nil)
		of = topic.Of()
	}
	state := replay.NewState(of)
	if f.state != "" {
		if state, err = replay.LoadState(f.state, of); err != nil {
			return err
		}
	}
	w := replayWork{cmd: cmd, cfg: cfg, flags: f, deriver: deriver, store: store, state: state, began: time.Now()}
	var shut func() error
	if w.input, shut, err = w.open(cmd.Context()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shut()) }()
	if f.dryRun {
		return w.preview(cmd.Context())
	}
	return w.record(cmd.Context())
}

// open opens what is to be read, at the state's positions.
func (w *replayWork) open(ctx context.Context) (replay.Input, func() error, error) {
	if w.flags.file == "" {
		reader, err := topicrange.Open(ctx, app.TopicRange(w.cfg, w.flags.from, w.flags.to, w.say), w.state.Positions)
		if err != nil {
			return nil, nil, err
		}
		return reader, func() error { reader.Close(); return nil }, nil
	}
	position := w.state.Positions[bodyfile.Lane]
	if w.flags.file == "-" {
		reader, err := bodyfile.New(w.cmd.InOrStdin(), "-", 0, position)
		if err != nil {
			return nil, nil, err
		}
		return reader, reader.Close, nil
	}
	file, err := os.Open(w.flags.file)
	if err != nil {
		return nil, nil, err
	}
	name, err := filepath.Abs(w.flags.file)
	if err != nil {
		name = w.flags.file
	}
	size := int64(0)
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	reader, err := bodyfile.New(file, name, size, position)
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return reader, func() error { return errors.Join(reader.Close(), file.Close()) }, nil
}

// isTerminal says whether people look at w as it comes.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
