package cli_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/stack"
)

// gaps shows what did not arrive, of which runner, and says by its exit code what a script asks for.
func TestGaps(t *testing.T) {
	dsn := stack.Shared(t).Database.NewDatabase(t)
	environ := []string{"BILLING_MYSQL_DSN=" + dsn}
	if got := run(t, "", environ, "migrate", "up"); got.code != cli.ExitOK {
		t.Fatalf("%+v", got)
	}
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	first, second := billingkey.NewEpoch(began, 1), billingkey.NewEpoch(began.Add(time.Hour), 2)
	arrive := func(runner string, epoch billingkey.Epoch, sealed bool, numbers ...uint64) (rejects []record.Reject) {
		for _, n := range numbers {
			reject := record.Reject{Reason: "not_json", EntryIndex: int(n), Arrived: &record.StampInfo{
				Runner: runner, Epoch: epoch, Sequence: n, Verified: sealed,
			}}
			if epoch == second {
				reject.Arrived.PreviousEpoch, reject.Arrived.PreviousLast = first, 9
			}
			rejects = append(rejects, reject)
		}
		return rejects
	}
	var unit record.Unit
	unit.Rejects = append(unit.Rejects, arrive("gw-1", first, true, 1, 2, 5)...)
	unit.Rejects = append(unit.Rejects, arrive("gw-1", second, true, 1)...)
	unit.Rejects = append(unit.Rejects, arrive("gw-2", second, false, 7)...)
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := store.NewWriter()
	if _, err := w.Commit(t.Context(), unit); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		code int
		want []string
		not  []string
	}{
		{"gaps --settle 0s", cli.ExitOK, []string{"3-4", "6-9", "unverified", "6 numbers were given and did not arrive"}, nil},
		{"gaps --settle 0s --fail", cli.ExitError, []string{"3-4"}, nil},
		{"gaps", cli.ExitOK, []string{"0 numbers were given"}, []string{"3-4"}}, // nothing has settled
		{"gaps --settle 0s --runner gw-2", cli.ExitOK, []string{"gw-2", "0 numbers"}, []string{"gw-1"}},
		{"gaps --settle 0s --from 2026-03-04T06:00:00Z", cli.ExitOK, []string{"0 numbers"}, []string{"3-4"}},
		{"gaps --settle 0s --from 2026-03 --to 2026-03-05", cli.ExitOK, []string{"6 numbers"}, nil},
		{"gaps --settle 0s --from 2026-03-05", cli.ExitOK, []string{"0 numbers"}, []string{"3-4"}},
		{"gaps --settle 0s --output json --all", cli.ExitOK, []string{
			`"missing":6,"gaps":[{"first":3,"last":4,`, `"open_after":null`, `"missing":0,"gaps":[],"open_after":1}`, `"verified":false`,
		}, nil},
		{"gaps --settle -1s", cli.ExitUsage, nil, nil},
		{"gaps --output xml", cli.ExitUsage, nil, nil},
	} {
		got := run(t, "", environ, strings.Fields(tt.args)...)
		if got.code != tt.code {
			t.Errorf("%s: exit code %d, want %d: %s", tt.args, got.code, tt.code, got.stderr)
		}
		for _, want := range tt.want {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("%s: no %q in\n%s", tt.args, want, got.stdout)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(got.stdout, not) {
				t.Errorf("%s: %q in\n%s", tt.args, not, got.stdout)
			}
		}
	}
}
