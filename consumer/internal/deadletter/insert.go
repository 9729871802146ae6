package deadletter

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

const (
	// MaxRaw is how many raw bytes are kept of one input: a broker's default limit of a message.
	MaxRaw = 4 << 20
	// MaxOrigins is how many places one message body's origins are remembered for; more are only counted, as deliveries.
	MaxOrigins = 100
)

// Insert writes the rejects in the transaction of tx. A reject that is there already (the same message body, entry
// index and reason) counts one more delivery, and so does an origin; a body's first MaxOrigins origins are kept. Raw
// bytes are cut at MaxRaw and at what one statement takes, with their full length and SHA-256 beside them.
func Insert(ctx context.Context, tx billingdb.DBTX, limits coalesce.Limits, rejects []record.Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	// In one order whoever writes them, so that two writers of the same rejects wait for each other instead of
	// deadlocking.
	rejects = slices.Clone(rejects)
	slices.SortStableFunc(rejects, func(a, b record.Reject) int {
		return cmp.Or(bytes.Compare(a.BodySHA256[:], b.BodySHA256[:]), cmp.Compare(a.EntryIndex, b.EntryIndex),
			cmp.Compare(a.Reason, b.Reason))
	})
	batch := coalesce.New(tx, limits)
	q := billingdb.New(batch)
	for i := range rejects {
		if err := q.InsertDeadLetter(ctx, row(&rejects[i], min(MaxRaw, limits.Row/2-2048))); err != nil {
			return fmt.Errorf("dead letter: %w", err)
		}
	}
	if _, err := batch.Flush(ctx); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	if err := insertOccurrences(ctx, tx, limits, rejects); err != nil {
		return fmt.Errorf("dead letter occurrence: %w", err)
	}
	return insertOrigins(ctx, tx, limits, rejects)
}

// insertOccurrences keeps what the redrive of one entry alone could not know.
func insertOccurrences(ctx context.Context, tx billingdb.DBTX, limits coalesce.Limits, rejects []record.Reject) error {
	batch := coalesce.New(tx, limits)
	q := billingdb.New(batch)
	for i := range rejects {
		r := &rejects[i]
		if r.Occurrence == 0 {
			continue
		}
		if err := q.InsertDeadLetterOccurrence(ctx, billingdb.InsertDeadLetterOccurrenceParams{
			BodySha256: r.BodySHA256[:], EntryIndex: int32(r.EntryIndex), Occurrence: int64(r.Occurrence),
		}); err != nil {
			return err
		}
	}
	_, err := batch.Flush(ctx)
	return err
}

// row is the reject as the table holds it. keep is the most raw bytes: half of what a statement takes, for all of them
// may be escaped.
func row(r *record.Reject, keep int) billingdb.InsertDeadLetterParams {
	sum := sha256.Sum256(r.Raw)
	raw := r.Raw[:min(len(r.Raw), max(keep, 0))]
	if raw == nil {
		raw = []byte{} // nil would be NULL
	}
	p := billingdb.InsertDeadLetterParams{
		BodySha256: r.BodySHA256[:],
		EntryIndex: int32(r.EntryIndex),
		Reason:     text(r.Reason, 96),
		Detail:     text(r.Detail, 1024),
		Raw:        raw,
		RawLength:  int64(len(r.Raw)),
		RawSha256:  sum[:],
	}
	if r.Key != nil {
		p.BillingKey = r.Key[:]
	}
	if r.Whole != nil {
		p.RawLength, p.RawSha256 = r.Whole.Length, r.Whole.SHA256[:]
	}
	return p
}

// insertOrigins writes where the rejects' bodies were read, once a body and place.
func insertOrigins(ctx context.Context, tx billingdb.DBTX, limits coalesce.Limits, rejects []record.Reject) error {
	var bodies [][]byte
	origins := map[[64]byte]billingdb.InsertDeadLetterOriginParams{}
	for i := range rejects {
		r := &rejects[i]
		if i == 0 || r.BodySHA256 != rejects[i-1].BodySHA256 {
			bodies = append(bodies, r.BodySHA256[:])
		}
		p := originRow(r)
		origins[[64]byte(slices.Concat(p.BodySha256, p.OriginKey))] = p
	}
	counts, err := billingdb.New(tx).CountDeadLetterOrigins(ctx, bodies)
	if err != nil {
		return fmt.Errorf("dead letter origins: %w", err)
	}
	kept := map[[32]byte]int64{}
	for _, c := range counts {
		kept[[32]byte(c.BodySha256)] = c.Origins
	}
	batch := coalesce.New(tx, limits)
	q := billingdb.New(batch)
	for _, p := range sorted(origins) {
		if kept[[32]byte(p.BodySha256)] >= MaxOrigins {
			continue
		}
		kept[[32]byte(p.BodySha256)]++
		if err := q.InsertDeadLetterOrigin(ctx, p); err != nil {
			return fmt.Errorf("dead letter origin: %w", err)
		}
	}
	if _, err := batch.Flush(ctx); err != nil {
		return fmt.Errorf("dead letter origin: %w", err)
	}
	return nil
}

func originRow(r *record.Reject) billingdb.InsertDeadLetterOriginParams {
	o := &r.Origin
	h := sha256.New()
	for _, s := range []string{o.Topic, o.Broker, o.MsgID, o.File} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(o.Queue)))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(o.Offset)))
	return billingdb.InsertDeadLetterOriginParams{
		BodySha256:  r.BodySHA256[:],
		OriginKey:   h.Sum(nil),
		Topic:       text(o.Topic, 128),
		Tags:        known(text(o.Tags, 128)),
		MessageKeys: known(text(o.Keys, 128)),
		MsgID:       text(o.MsgID, 64),
		Broker:      text(o.Broker, 255),
		QueueID:     int32(o.Queue),
		QueueOffset: o.Offset,
		File:        text(o.File, 1024),
	}
}

func sorted(origins map[[64]byte]billingdb.InsertDeadLetterOriginParams) []billingdb.InsertDeadLetterOriginParams {
	rows := make([]billingdb.InsertDeadLetterOriginParams, 0, len(origins))
	for _, p := range origins {
		rows = append(rows, p)
	}
	slices.SortFunc(rows, func(a, b billingdb.InsertDeadLetterOriginParams) int {
		return cmp.Or(bytes.Compare(a.BodySha256, b.BodySha256), bytes.Compare(a.OriginKey, b.OriginKey))
	})
	return rows
}

// text is s as a column of a number of characters takes it: valid UTF-8, cut.
func text(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	return string([]rune(s)[:min(limit, len([]rune(s)))])
}

// known is nil for a property that a message does not have.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
