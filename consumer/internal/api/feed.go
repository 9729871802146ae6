package api

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/feed"
)

const (
	ndjson = "application/x-ndjson"
	// feedPage is how many records are in memory at once.
	feedPage = 2000
	// maxLookedAt is how many records one request looks at for a token that does not see all of them.
	maxLookedAt = 200_000
)

// follow answers with the records behind a cursor.
func (s *Server) follow(c *call) error {
	limit := c.integer("limit", 1000, 1, 100_000)
	from := c.cursor()
	if err := c.invalid(); err != nil {
		return err
	}
	out := &recordStream{c: c, form: c.form}
	enough := time.Now().Add(s.options.QueryLimit / 2)
	for looked, more := 0, true; ; {
		at, page := from, min(int(limit)-out.written, feedPage)
		if c.grant.Consumers != nil {
			page = feedPage
		}
		var err error
		from, more, err = s.options.Store.Feed().Read(c.r.Context(), from, page, func(r *feed.Record, _ feed.Position) bool {
			looked++
			if c.grant.Sees(r.Consumer) {
				err = out.write(r)
			}
			return err == nil && out.written < int(limit)
		})
		if err != nil {
			return err
		}
		if out.failed != nil {
			return out.failed
		}
		if !more || out.written >= int(limit) || looked >= maxLookedAt || time.Now().After(enough) || from == at {
			return out.end(from, more)
		}
	}
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
	if _, err := io.WriteString(s.out, text); err != nil && s.failed == nil {
		s.failed = err
	}
}

func (s *recordStream) write(r *feed.Record) error {
	if s.out == nil {
		s.begin()
	} else if s.form != ndjson {
		s.text(",")
	}
	if err := s.encoder.Encode(recordOf(r)); err != nil && s.failed == nil {
		s.failed = err
	}
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
	if err := s.out.Flush(); err != nil && s.failed == nil {
		s.failed = err
	}
	return s.failed
}

// cursorVersion begins a cursor, so that another form of them can be told apart.
const cursorVersion = 1

// cursorOf is the text of a position: a version, sequence and id (big-endian).
func cursorOf(p feed.Position) string {
	b := []byte{cursorVersion}
	b = binary.BigEndian.AppendUint64(b, uint64(p.Sequence)) //nolint:gosec // no number of the ledger is negative
	b = binary.BigEndian.AppendUint64(b, uint64(p.ID))       //nolint:gosec // as above
	return base64.RawURLEncoding.EncodeToString(b)
}

// cursor is where to go on, the beginning without one.
func (c *call) cursor() (p feed.Position) {
	text := c.text("cursor", "", 100)
	if _, given := c.query["cursor"]; !given {
		return p
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != 17 || b[0] != cursorVersion || b[1] > 127 || b[9] > 127 {
		c.fail("cursor", "must be next_cursor of an answer")
		return p
	}
	return feed.Position{Sequence: int64(binary.BigEndian.Uint64(b[1:])), ID: int64(binary.BigEndian.Uint64(b[9:]))} //nolint:gosec // checked above
}
