package api_test

import (
	"net/http"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/record"
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
