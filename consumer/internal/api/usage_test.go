package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
)

type usage struct {
	Rows []struct {
		Group       map[string]*string `json:"group"`
		Records     int64              `json:"records"`
		TotalTokens int64              `json:"total_tokens"`
	} `json:"rows"`
	Total struct {
		Records      int64 `json:"records"`
		UsageMissing int64 `json:"usage_missing"`
		UsagePartial int64 `json:"usage_partial"`
		TotalTokens  int64 `json:"total_tokens"`
	} `json:"total"`
	Complete      bool       `json:"complete"`
	CompleteUntil *time.Time `json:"complete_until"`
	Reason        *string    `json:"complete_until_reason"`
}

// What did alice use yesterday, by model?
func TestUsage(t *testing.T) {
	t.Parallel()
	yesterday := time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)
	s := serve(t, []apitoken.Grant{everything("ops"), {Name: "alice", Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: []string{"alice"}},
		{Name: "nobody", Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: []string{}}})
	s.record(
		used{new("alice"), "gpt", yesterday, 100, ""}, used{new("alice"), "gpt", yesterday.Add(time.Hour), 11, record.UsagePartial},
		used{new("alice"), "claude", yesterday, 7, ""}, used{new("bob"), "gpt", yesterday, 5000, record.UsageMissing},
		used{nil, "gpt", yesterday, 1, ""}, used{new(""), "gpt", yesterday, 2, ""},
	)
	for _, tt := range []struct {
		who, query string
		rows       int
		records    int64
		tokens     int64
	}{
		{"ops", "from=yesterday&consumer=alice&by=model", 2, 3, 118},
		{"ops", "from=yesterday", 1, 6, 5121},
		{"ops", "from=yesterday&by=consumer", 4, 6, 5121},
		{"ops", "from=yesterday&consumer=%3F", 1, 1, 1},
		{"ops", "from=yesterday&consumer=", 1, 1, 2},
		{"ops", "from=yesterday&consumer=alice&consumer=bob&by=day,billable", 1, 4, 5118},
		{"ops", "from=yesterday&billable=false", 0, 0, 0},
		{"ops", "from=yesterday&dimension=team%3Da", 0, 0, 0},
		{"alice", "from=yesterday&by=consumer", 1, 3, 118},
		{"alice", "from=yesterday&consumer=bob", 0, 0, 0},
		{"alice", "from=yesterday&consumer=bob&consumer=alice", 1, 3, 118},
		{"alice", "from=yesterday&consumer=%3F&consumer=", 0, 0, 0},
		{"alice", "from=yesterday&by=dimension:team", 1, 3, 118},
		{"nobody", "from=yesterday", 0, 0, 0},
		{"nobody", "from=yesterday&consumer=alice", 0, 0, 0},
	} {
		var got usage
		if a := s.get(tt.who, "/v1/usage?"+tt.query); a.status != http.StatusOK {
			t.Errorf("%s %s: %d %s", tt.who, tt.query, a.status, a.body)
		} else {
			a.into(t, &got)
		}
		if len(got.Rows) != tt.rows || got.Total.Records != tt.records || got.Total.TotalTokens != tt.tokens {
			t.Errorf("%s %s: %d rows, %+v, want %d rows, %d records, %d tokens", tt.who, tt.query, len(got.Rows), got.Total, tt.rows, tt.records, tt.tokens)
		}
	}
}

// How far the group is is asked before the sums are read: a record that came in between is in them. The other way round an
// answer could be called complete without it.
func TestProgressIsAskedBeforeTheSums(t *testing.T) {
	t.Parallel()
	var s *server
	s = serve(t, []apitoken.Grant{everything("ops")}, func(o *api.Options) {
		o.LogDelay = 0
		o.Progress = func(context.Context) (source.Progress, error) {
			s.record(used{new("alice"), "gpt", aDay, 5, ""})
			return source.Progress{Asked: time.Now()}, nil
		}
	})
	var got usage
	if s.get("ops", "/v1/usage?from=2026-11-20").into(t, &got); !got.Complete || got.Total.Records != 1 {
		t.Errorf("called complete: %t, with %d records of 1", got.Complete, got.Total.Records)
	}
}

// A redrive whose answer can't be had in the form that is asked for, or with a parameter that is not known, is not done.
func TestNothingIsDoneForWhoCannotBeAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")}, func(o *api.Options) {
		o.Redrive = func(*deadletter.Letter) record.Unit { t.Error("it is redriven"); return record.Unit{} }
	})
	reject := record.Reject{Origin: record.Origin{Topic: "t", MsgID: "m", Broker: "b"}, EntryIndex: -1, Reason: deadletter.ReasonNotJSON, Raw: []byte("{")}
	if _, err := s.writer.Commit(t.Context(), record.Unit{Rejects: []record.Reject{reject}}); err != nil {
		t.Fatal(err)
	}
	const path = "/v1/dead-letters/1/redrive"
	headers := s.bearer("ops")
	headers.Set("Accept", "text/html")
	s.raw(http.MethodPost, path, nil, headers).problem(t, http.StatusNotAcceptable)
	s.raw(http.MethodPost, path+"?dryrun=true", nil, s.bearer("ops")).wrongParameters(t, "dryrun")
	s.raw(http.MethodPost, path+"?dry_run=1", nil, s.bearer("ops")).wrongParameters(t, "dry_run")
	s.raw(http.MethodPost, path, strings.NewReader(`{"dry_run":true}`), s.bearer("ops")).problem(t, http.StatusBadRequest)
	s.raw(http.MethodGet, path, nil, s.bearer("ops")).problem(t, http.StatusMethodNotAllowed)
	var letter struct {
		Status   string
		Attempts int
	}
	if s.get("ops", "/v1/dead-letters/1").into(t, &letter); letter.Status != "pending" || letter.Attempts != 0 {
		t.Errorf("%+v", letter)
	}
}
