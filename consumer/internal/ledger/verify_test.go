package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/record"
)

// verify compares all, and gives a line a difference.
func verify(t *testing.T, reader *totals.Reader) (done totals.Compared, lines []string) {
	t.Helper()
	done, err := reader.Verify(t.Context(), time.Unix(0, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), func(d totals.Difference) {
		lines = append(lines, fmt.Sprintf("%s %s %s %v", d.Level, d.Start.Format(time.DateTime), shownName(d.Consumer), d.Fields()))
	}, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if int(done.Differences) != len(lines) {
		t.Errorf("%d differences, %d told", done.Differences, len(lines))
	}
	return done, lines
}

func never(time.Time, int) {}

// Whatever somebody did to the sums, of each level, verify finds it and rebuild mends it, and nothing else.
func TestVerifyFindsAndRebuildMends(t *testing.T) {
	for name, harm := range map[string]struct {
		statement string
		want      string
	}{
		"an hour":              {"UPDATE usage_hourly SET total_tokens = total_tokens + 1 WHERE unit = 'request' ORDER BY hour, bucket LIMIT 1", "hour "},
		"a quarter":            {"UPDATE usage_rollup SET usage_missing = usage_missing + 1 WHERE span = 15 AND unit = 'request' ORDER BY start, bucket LIMIT 1", "quarter "},
		"a day":                {"UPDATE usage_rollup SET quantity = quantity + 0.000000001 WHERE span = 1440 AND cut = 'all' AND unit <> 'request' ORDER BY start, bucket LIMIT 1", "day "},
		"an APISIX consumer's": {"UPDATE usage_rollup SET records = records - 1 WHERE span = 1440 AND cut = 'consumer' AND unit = 'request' ORDER BY start, bucket LIMIT 1", "day by APISIX consumer "},
		"hours that are gone":  {"DELETE FROM usage_rollup WHERE span = 60", "hour by APISIX consumer "},
		"a sum of no record":   {"INSERT INTO usage_delta (quarter, billable, unit, quantity) VALUES ('1999-12-31 23:45:00', 1, 'image', 3)", "[[image 0 3]]"},
		"a record that went":   {"DELETE FROM mq_consume_log ORDER BY id LIMIT 1", "[[records 0 1]"},
		"deltas that went":     {"DELETE FROM usage_delta", "[[records 1 0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := migrated(t)
			db, store, w := connect(t, dsn), storeOf(t, dsn), ledgerOf(t, dsn)
			random := rand.New(rand.NewPCG(41, 42))
			some := func(n int) (u record.Unit) {
				for range n {
					u.Records = append(u.Records, randomUsage(random))
				}
				return u
			}
			commit(t, w, some(60))
			if _, err := store.FoldUsage(t.Context()); err != nil {
				t.Fatal(err)
			}
			commit(t, w, some(20))
			if done, lines := verify(t, store.Totals()); len(lines) != 0 || done.Records != 80 {
				t.Fatalf("before the harm: %+v, %q", done, lines)
			}
			exec(t, db, harm.statement)
			_, lines := verify(t, store.Totals())
			if len(lines) == 0 || !strings.Contains(strings.Join(lines, "\n"), harm.want) {
				t.Errorf("differences %q, want one of %q", lines, harm.want)
			}
			mended, err := store.RebuildUsage(t.Context(), time.Unix(0, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), never)
			if err != nil || mended != len(lines) {
				t.Errorf("mended %d of %d, %v", mended, len(lines), err)
			}
			if _, lines := verify(t, store.Totals()); len(lines) != 0 {
				t.Errorf("after the rebuild: %q", lines)
			}
			if _, err := store.FoldUsage(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkSums(t, db)
			if mended, err := store.RebuildUsage(t.Context(), time.Unix(0, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), never); err != nil || mended != 0 {
				t.Errorf("mended %d of nothing, %v", mended, err)
			}
		})
	}
}

// While others write, raise, fold and rebuild the same days, verify finds no difference that is none, and several rebuilds
// mend what is wrong once.
func TestVerifyAndRebuildWhileOthersWork(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	db, w := connect(t, dsn), ledgerOf(t, dsn)
	store := storeOf(t, dsn)
	done := make(chan struct{})
	var others, rebuilders sync.WaitGroup
	loop := func(wg *sync.WaitGroup, do func(random *rand.Rand) error) {
		random := rand.New(rand.NewPCG(51, rand.Uint64()))
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := do(random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		loop(&others, func(random *rand.Rand) error {
			r := randomUsage(random)
			poor := withoutBody(r)
			poor.Consumer = nil
			commit(t, w, unit(poor))
			commit(t, w, unit(r))
			return nil
		})
		loop(&others, func(*rand.Rand) error { _, err := store.FoldUsage(t.Context()); return err })
	}
	for range 3 {
		if _, lines := verify(t, store.Totals()); len(lines) != 0 {
			t.Errorf("nothing was wrong: %q", lines)
		}
	}
	for hours := range 40 {
		exec(t, db, "INSERT INTO usage_delta (quarter, consumer, billable, unit, quantity, records) VALUES (?, 'nobody', 1, 'request', 7, 7)",
			time.Date(2026, 3, 28, hours, 15, 0, 0, time.UTC))
	}
	for range 3 {
		rebuilders.Go(func() {
			if _, err := store.RebuildUsage(t.Context(), usageFrom, usageFrom.AddDate(1, 0, 0), never); err != nil {
				t.Error(err)
			}
		})
	}
	rebuilders.Wait()
	if _, lines := verify(t, store.Totals()); len(lines) != 0 {
		t.Errorf("after the rebuilds: %q", lines)
	}
	close(done)
	others.Wait()
	if _, err := store.FoldUsage(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkSums(t, db)
}

// What retention took away can't be compared, which is told, and is never rebuilt: its sums are all that is left of it.
func TestVerifyAndRebuildOfPrunedDays(t *testing.T) {
	dsn := migrated(t)
	store, w := storeOf(t, dsn), ledgerOf(t, dsn)
	random := rand.New(rand.NewPCG(61, 62))
	old, horizon := 0, usageFrom.AddDate(0, 4, 0).Add(10*time.Hour+7*time.Minute)
	for range 80 {
		r := randomUsage(random)
		if r.RequestTime.Before(horizon) {
			old++
		}
		commit(t, w, unit(r))
	}
	if _, err := store.PruneLedger(t.Context(), horizon, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	done, lines := verify(t, store.Totals())
	if len(lines) != 0 || done.Records != int64(80-old) || !done.Horizon.Equal(horizon) || old == 0 || old == 80 {
		t.Errorf("%+v of 80 records, %d of them pruned: %q", done, old, lines)
	}
	if _, err := store.RebuildUsage(t.Context(), usageFrom, usageFrom.AddDate(1, 0, 0), never); !errors.Is(err, totals.ErrPruned) {
		t.Errorf("rebuild of pruned days: %v", err)
	}
	whole := totals.Query{From: usageFrom, To: usageFrom.AddDate(1, 0, 0)}
	result, err := store.Totals().Query(t.Context(), whole)
	if err != nil || result.Total.Records != 80 {
		t.Errorf("the sums know %d records, want 80: %v", result.Total.Records, err)
	}
	whole.By = []totals.By{totals.ByDimension("team")}
	if _, err := store.Totals().Query(t.Context(), whole); !errors.Is(err, totals.ErrPruned) {
		t.Errorf("by dimension over pruned days: %v", err)
	}
}
