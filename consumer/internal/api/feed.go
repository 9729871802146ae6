package api

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/feed"
)

const (
	ndjson = "application/x-ndjson"
	// feedPage is how many records are in memory at once.
	feedPage = 2000
	// maxLookedAt is how many records one request looks at for a token that does not see all of them: a part of a second's.
	maxLookedAt = 10_000
)

// follow answers with the records behind a cursor.
func (s *Server) follow(c *call) error {
	limit := c.integer("limit", 1000, 1, 100_000)
	from := c.cursor()
	if err := c.invalid(); err != nil {
		return err
	}
	out := &recordStream{c: c, form: c.form}
	reader, enough := s.options.Store.Feed(), time.Now().Add(s.options.QueryLimit/2)
	for looked := 0; ; {
		size := feedPage
		if c.grant.Consumers == nil {
			size = min(int(limit)-out.written, feedPage)
		}
		page, err := reader.Read(c.r.Context(), from, size)
		if errors.Is(err, feed.ErrElsewhere) {
			return errElsewhere
		} else if err != nil {
			return err
		}
		for i := range page.Len() {
			r := page.Record(i)
			if !c.grant.Sees(r.Consumer) {
				continue
			}
			if err := out.write(&r); err != nil {
				return err
			}
			if out.written == int(limit) && i < page.Len()-1 {
				return out.end(page.Behind(i), true)
			}
		}
		from, looked = page.Next, looked+page.Len()
		if !page.More || out.written == int(limit) || c.grant.Consumers != nil && looked >= maxLookedAt || time.Now().After(enough) {
			return out.end(from, page.More)
		}
	}
}

// errElsewhere is the answer to a cursor of another ledger, or of this one before it was put back to a backup.
var errElsewhere = &problem{
	Type: "/problems/unknown-cursor", Title: "Unknown cursor", Status: http.StatusConflict,
	Detail: "this ledger did not give the cursor: it was put back to an older state, or is another one; begin again without a cursor, " +
		"and let what comes take the place of what was taken over; what is pruned does not come, and stays",
}

// recordStream writes records as they come, so that an answer of any length takes little memory.
type recordStream struct {
	c       *call
	form    string
	out     *bufio.Writer
	encoder *json.Encoder
	written int
	failed  error
}

// begin sends what stands before the first record.
func (s *recordStream) begin() {
	h := s.c.w.Header()
	h.Set("Content-Type", s.form)
	h.Set("Cache-Control", "no-store") // the same cursor has more behind it later
	s.out = bufio.NewWriterSize(s.c.w, 64<<10)
	s.encoder = json.NewEncoder(s.out)
	s.encoder.SetEscapeHTML(false)
	if s.form != ndjson {
		s.text(`{"records":[`)
	}
}

func (s *recordStream) text(text string) {
	s.note(io.WriteString(s.out, text))
}

func (s *recordStream) write(r *feed.Record) error {
	if s.out == nil {
		s.begin()
	} else if s.form != ndjson {
		s.text(",")
	}
	err := s.encoder.Encode(recordOf(r))
	if wrong, ok := errors.AsType[*json.MarshalerError](err); ok {
		return fmt.Errorf("record %x: %w", r.BillingKey, wrong)
	}
	s.note(0, err)
	s.written++
	return s.failed
}

// end sends where to go on.
func (s *recordStream) end(next feed.Position, more bool) error {
	if s.out == nil {
		s.begin()
	}
	rest, err := json.Marshal(struct {
		Next string `json:"next_cursor"`
		More bool   `json:"more"`
	}{cursorOf(next), more})
	if err != nil {
		return err
	}
	if s.form != ndjson {
		s.text("]," + string(rest[1:]) + "\n")
	} else {
		s.text(string(rest) + "\n")
	}
	s.note(0, s.out.Flush())
	return s.failed
}

// errGone is a client that takes no more of its answer.
var errGone = errors.New("the client is gone")

// note keeps that a write failed.
func (s *recordStream) note(_ int, err error) {
	if err != nil {
		s.failed = fmt.Errorf("%w: %w", errGone, err)
	}
}
