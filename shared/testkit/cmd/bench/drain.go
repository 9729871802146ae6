package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver

	"gateway-billing.internal/shared/testkit/programs"
)

// drained is what one reading of a topic came to.
type drained struct {
	// rate is entries a second, from the first that was committed to the last.
	rate float64
	// cpu is the process's own, start and drain included, for each entry.
	cpu time.Duration
	// resident is the most memory that the process had, in bytes.
	resident float64
}

// target is where a consumer writes.
type target struct{ database, dsn string }

// database makes an empty one with the schema.
func (b *bench) database(ctx context.Context) (target, error) {
	t := target{database: b.name("db")}
	var err error
	if t.dsn, err = b.stack.Database.CreateDatabase(ctx, t.database); err != nil {
		return t, err
	}
	return t, programs.Migrate(ctx, b.consumer, b.config("none", "none", t))
}

// config writes a configuration and returns its path. A failure shows when the file is read.
func (b *bench) config(topic, group string, t target) string {
	path := filepath.Join(b.dir, t.database+"-"+group+".yaml")
	_ = programs.ConsumerConfig{NameServers: b.stack.RocketMQ.NameServers(), Topic: topic, Group: group, DSN: t.dsn}.Write(path)
	return path
}

// start starts a consumer of a new group and returns it with the address of its metrics.
func (b *bench) start(ctx context.Context, topic string, t target) (*programs.Consumer, string, error) {
	group := b.name("group")
	if err := b.stack.RocketMQ.CreateGroup(ctx, group); err != nil {
		return nil, "", err
	}
	log := filepath.Join(b.dir, group+".log")
	c, err := programs.StartConsumer(b.consumer, b.config(topic, group, t), log, "BILLING_STAMP_KEYS="+keys)
	if err != nil {
		return nil, "", err
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(log)
		if found := addressForm.FindSubmatch(text); found != nil {
			return c, string(found[1]), nil
		}
		if err := c.Check(); err != nil {
			return nil, "", err
		}
	}
	return nil, "", errors.Join(errors.New("the consumer does not serve its metrics"), c.Drain())
}

var addressForm = regexp.MustCompile(`"address":"([^"]+)"`)

// drain reads a topic of that many entries into a database, from its beginning, by a group of its own.
func (b *bench) drain(ctx context.Context, topic string, entries int, t target) (d drained, err error) {
	return b.drainThrough(ctx, topic, entries, t, 0)
}

// drainThrough is drain with an outage of the database, of that length, behind the first records.
func (b *bench) drainThrough(ctx context.Context, topic string, entries int, t target, outage time.Duration) (d drained, err error) {
	c, address, err := b.start(ctx, topic, t)
	if err != nil {
		return d, err
	}
	ended := false
	defer func() {
		if !ended {
			err = errors.Join(err, c.Drain())
		}
	}()
	var first time.Time
	before := 0
	for {
		done, err := committed(ctx, address)
		if err != nil {
			return d, err
		}
		if now := time.Now(); first.IsZero() && done > 0 {
			first, before = now, done
			if err := b.pause(ctx, outage); err != nil {
				return d, err
			}
		} else if done >= entries {
			d.rate = float64(done-before) / now.Sub(first).Seconds()
			break
		}
		if err := errors.Join(c.Check(), ctx.Err()); err != nil {
			return d, err
		}
		time.Sleep(100 * time.Millisecond) // what asks is served by the consumer, and counts as its work
	}
	if d.resident, err = resident(c.PID()); err != nil {
		return d, err
	}
	ended = true
	if err := c.Drain(); err != nil {
		return d, err
	}
	d.cpu = c.Used() / time.Duration(entries)
	return d, nil
}

// pause stops the database for a while, as if it hung.
func (b *bench) pause(ctx context.Context, outage time.Duration) error {
	if outage == 0 {
		return nil
	}
	if err := b.stack.Database.Pause(); err != nil {
		return err
	}
	select {
	case <-time.After(outage):
	case <-ctx.Done():
	}
	return errors.Join(b.stack.Database.Resume(), ctx.Err())
}

// resident is the most memory that a process had so far, as the kernel counts it (Linux).
func resident(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
	return kib * 1024, err
}

// committed is how many entries the consumer has committed, by its own metrics: asking the database would slow it.
func committed(ctx context.Context, address string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "billing_entries_total{") {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return int(sum), nil
}

// exactly fails where the database does not hold that many records, each of them once and with its tokens.
func (b *bench) exactly(ctx context.Context, t target, records int, bodies bool) error {
	db, err := sql.Open("mysql", t.dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	var rows, verified, tokens int
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(key_state = 'verified' AND key_source = 'gateway'), 0),
		COALESCE(SUM(total_tokens), 0) FROM mq_consume_log`).Scan(&rows, &verified, &tokens); err != nil {
		return err
	}
	want := 0
	if bodies {
		want = 90 * records
	}
	if rows != records || verified != records || tokens != want {
		return fmt.Errorf("%d records, %d verified, %d tokens; want %d and %d tokens", rows, verified, tokens, records, want)
	}
	return nil
}

// drop drops a database.
func (b *bench) drop(ctx context.Context, t target) error {
	return b.stack.Database.DropDatabase(ctx, t.database)
}
