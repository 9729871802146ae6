package taker

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// page is the most records of an answer: there are several.
	page = 500
	// pollLimit is how long an answer may take. Who serves it may be halted.
	pollLimit = 15 * time.Second
)

// Client follows the ledger by GET /v1/records.
type Client struct {
	where  func(context.Context) (url string, err error)
	token  string
	cursor string // of the last answer that was taken over
	Kept
	// Answers were taken over; Broken are requests that had no answer, or none with an end.
	Answers, Broken int
}

// NewClient makes a taker that has nothing yet. where says where the API is; that may change.
func NewClient(where func(context.Context) (url string, err error), token string) *Client {
	return &Client{where: where, token: token, Kept: Kept{Records: map[string]Taken{}}}
}

// Follow polls until ctx ends, as those do who take over usage: what did not come is asked for again with the cursor of
// what did.
func (c *Client) Follow(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := c.Poll(ctx); err != nil && ctx.Err() == nil {
			c.Broken++
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Poll takes all that is behind the cursor.
func (c *Client) Poll(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = c.next(ctx); err != nil {
			return fmt.Errorf("follow /v1/records: %w", err)
		}
	}
	return nil
}

// line is one of an answer: a record, or in the end where to go on.
type line struct {
	Key        string  `json:"billing_key"`
	Revision   int64   `json:"revision"`
	Consumer   *string `json:"consumer"`
	Route      *string `json:"route_id"`
	Model      *string `json:"model"`
	UsageState string  `json:"usage_state"`
	Status     *int64  `json:"status"`
	Prompt     int64   `json:"prompt_tokens"`
	Completion int64   `json:"completion_tokens"`
	Total      int64   `json:"total_tokens"`
	Cached     int64   `json:"cached_tokens"`
	Reasoned   int64   `json:"reasoning_tokens"`
	Billable   bool    `json:"billable"`
	Reason     string  `json:"billable_reason"`

	Next *string `json:"next_cursor"`
	More bool    `json:"more"`
}

// next takes one answer over, when it has come to its end.
func (c *Client) next(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	url, err := c.where(ctx)
	if err != nil {
		return false, err
	}
	url = fmt.Sprintf("%s/v1/records?limit=%d", url, page)
	if c.cursor != "" {
		url += "&cursor=" + c.cursor
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Accept", "application/x-ndjson")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return false, errors.New(answer.Status)
	}
	var records []line
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return false, err
		}
		if l.Next == nil {
			records = append(records, l)
			continue
		}
		for _, r := range records {
			c.keep(r.Key, r.taken())
		}
		c.Answers++
		c.cursor = *l.Next
		return l.More, nil
	}
	return false, errors.Join(errors.New("the answer has no end"), lines.Err())
}

func (l *line) taken() Taken {
	t := Taken{
		Revision: l.Revision, Consumer: null(l.Consumer), Route: null(l.Route), Model: null(l.Model), UsageState: l.UsageState,
		Prompt: l.Prompt, Completion: l.Completion, Total: l.Total, Cached: l.Cached, Reasoned: l.Reasoned,
		Billable: l.Billable, Reason: l.Reason,
	}
	if l.Status != nil {
		t.Status = sql.NullInt64{Int64: *l.Status, Valid: true}
	}
	return t
}

func null(text *string) sql.NullString {
	if text == nil {
		return sql.NullString{}
	}
	return sql.NullString{String: *text, Valid: true}
}
