package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// The API says of gaps what the command says, run by run.
func TestGaps(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	if a := s.get("ops", "/v1/gaps"); !bytes.Equal(bytes.TrimSpace(a.body), []byte(`{"missing":0,"runs":[]}`)) {
		t.Errorf("without runs: %s", a.body)
	}
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	first, second := billingkey.NewEpoch(began, 1), billingkey.NewEpoch(began.Add(time.Hour), 2)
	for _, of := range []struct {
		runner  string
		epoch   billingkey.Epoch
		sealed  bool
		numbers []uint64
	}{
		{"gw-1", first, true, []uint64{1, 2, 5}}, {"gw-1", second, true, []uint64{1}}, {"gw \u2028\"<2>", second, false, []uint64{7}},
		{"", first, true, []uint64{1 << 63}}, {"gw-3", first, true, []uint64{1, 2, 3}},
	} {
		for _, n := range of.numbers {
			r := request(yesterday)
			r.Arrived = &record.StampInfo{Runner: of.runner, Epoch: of.epoch, Sequence: n, Verified: of.sealed}
			if of.epoch == second {
				r.Arrived.PreviousEpoch, r.Arrived.PreviousLast = first, 9
			}
			s.commit(t, r)
		}
	}
	for query, args := range map[string]string{
		"":                                   "",
		"settle=0":                           "--settle 0s",
		"settle=0&all=true":                  "--settle 0s --all",
		"settle=0&runner=gw-1&all=false":     "--settle 0s --runner gw-1",
		"settle=0&runner=nobody":             "--settle 0s --runner nobody",
		"settle=0&from=2026-03-04T06:00:00Z": "--settle 0s --from 2026-03-04T06:00:00Z",
		"settle=0&to=2026-03-04T06%3A30%3A00%2B01:00&all=true": "--settle 0s --to 2026-03-04T06:30:00+01:00 --all",
		"settle=0&to=9999-12-31T23:59:59-23:59":                "--settle 0s",
		"settle=2592000&all=true":                              "--settle 720h --all",
	} {
		a := s.get("ops", "/v1/gaps?"+query)
		var got struct {
			Missing uint64
			Runs    []json.RawMessage
		}
		if a.into(t, &got); a.status != http.StatusOK || got.Runs == nil {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		var stdout, stderr bytes.Buffer
		if code := cli.Run(t.Context(), append([]string{"gaps", "--output", "json"}, strings.Fields(args)...), nil, &stdout, &stderr, []string{"BILLING_MYSQL_DSN=" + s.dsn}); code != cli.ExitOK {
			t.Fatalf("gaps %s: %s", args, stderr.String())
		}
		text, missing := "", uint64(0)
		for _, run := range got.Runs {
			var of struct{ Missing uint64 }
			if err := json.Unmarshal(run, &of); err != nil {
				t.Fatal(err)
			}
			missing += of.Missing
			text += string(run) + "\n"
		}
		if text != stdout.String() || missing != got.Missing {
			t.Errorf("%s: %d missing\n%swant, as gaps %s says\n%s", query, got.Missing, text, args, stdout.String())
		}
	}
	for _, query := range []string{"settle=-1", "settle=2592001", "settle=10m", "from=yesterday", "to=2026-03-04", "all=yes", "all", fmt.Sprintf("runner=%0256d", 1), "fail=true"} {
		if a := s.wrong("ops", "/v1/gaps?"+query); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}
