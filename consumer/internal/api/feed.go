package api

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"sync"
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
	form := c.accepts("application/json", ndjson)
	if form == "" {
		return plain(http.StatusNotAcceptable, "the answer is application/json or "+ndjson)
	}
	out := &recordStream{c: c, form: form}
	enough, looked, more := time.Now().Add(s.options.QueryLimit/2), 0, true
	for page, err := range ahead(c.r.Context(), s.options.Store.Feed(), from, int(limit), c.grant.Consumers == nil) {
		if errors.Is(err, feed.ErrElsewhere) {
			return errElsewhere
		} else if err != nil {
			return err
		}
		for i := range page.Records {
			if !c.grant.Sees(page.Records[i].Consumer) {
				continue
			}
			if err := out.write(&page.Records[i]); err != nil {
				return err
			}
			if out.written == int(limit) && i < len(page.Records)-1 {
				return out.end(page.Behind(i), true)
			}
		}
		from, more, looked = page.Next, page.More, looked+len(page.Records)
		if out.written == int(limit) || c.grant.Consumers != nil && looked >= maxLookedAt || time.Now().After(enough) {
			break
		}
	}
	return out.end(from, more)
}

// ahead reads pages behind a position until there are no more, each while the one before it is written. all: every record
// counts to the limit; else the caller says when it is enough.
func ahead(ctx context.Context, reader *feed.Reader, from feed.Position, limit int, all bool) iter.Seq2[*feed.Page, error] {
	type read struct {
		page *feed.Page
		err  error
	}
	return func(yield func(*feed.Page, error) bool) {
		pages, enough := make(chan read), make(chan struct{})
		var reading sync.WaitGroup
		defer reading.Wait()
		defer close(enough)
		reading.Go(func() {
			defer close(pages)
			for left, more := limit, true; more && left > 0; {
				size := feedPage
				if all {
					size = min(left, feedPage)
				}
				page, err := reader.Read(ctx, from, size)
				select {
				case pages <- read{page, err}:
				case <-enough:
					return
				}
				if err != nil {
					return
				}
				if from, more = page.Next, page.More; all {
					left -= len(page.Records)
				}
			}
		})
		for p := range pages {
			if !yield(p.page, p.err) {
				return
			}
		}
	}
}

// errElsewhere is the answer to a cursor of another ledger, or of this one before it was put back to a backup.
var errElsewhere = &problem{
	Type: "/problems/unknown-cursor", Title: "Unknown cursor", Status: http.StatusConflict,
	Detail: "this ledger did not give the cursor: it was put back to an older state, or is another one; begin again without a cursor, " +
		"and let what comes take the place of all that was taken over",
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

// cursorVersion begins a cursor, so that another form of them can be told apart.
const cursorVersion = 1

// cursorLength is a version, sequence, id, and the witness (id, time, sum), all big-endian.
const cursorLength = 1 + 8 + 8 + 8 + 8 + 4

// cursorOf is the text of a position.
func cursorOf(p feed.Position) string {
	b := []byte{cursorVersion}
	for _, n := range []int64{p.Sequence, p.ID, p.Last.ID, p.Last.Time} {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // none is negative
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, p.Last.Sum))
}

// cursor is where to go on, the beginning without one.
func (c *call) cursor() (p feed.Position) {
	text := c.text("cursor", "", 100)
	if _, given := c.query["cursor"]; !given {
		return p
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != cursorLength || b[0] != cursorVersion {
		c.fail("cursor", "must be next_cursor of an answer")
		return p
	}
	for i, n := range []*int64{&p.Sequence, &p.ID, &p.Last.ID, &p.Last.Time} {
		*n = int64(binary.BigEndian.Uint64(b[1+8*i:])) //nolint:gosec // a negative one is refused
	}
	p.Last.Sum = binary.BigEndian.Uint32(b[33:])
	// A row within a change is the one that was read last.
	if p.Sequence < 0 || p.ID < 0 || p.Last.ID < 0 || p.Last.Time < 0 || p.ID > 0 && p.ID != p.Last.ID || p == (feed.Position{}) {
		c.fail("cursor", "must be next_cursor of an answer")
	}
	return p
}
