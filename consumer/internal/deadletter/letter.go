package deadletter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// Status says where a dead letter stands. Only a pending one is worked on; the others stay as they are.
type Status string

// The states of a dead letter.
const (
	Pending   Status = "pending"
	Redriven  Status = "redriven"
	Discarded Status = "discarded"
)

// Hash is a SHA-256, in text as hex digits.
type Hash [sha256.Size]byte

// MarshalText writes the hex digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// Letter is one dead letter. What stands behind Updated is there only when it was read by itself.
type Letter struct {
	ID int64 `json:"id"`
	// EntryIndex is the place in its message, -1 for a message that could not be decoded at all.
	EntryIndex int             `json:"entry_index"`
	Reason     string          `json:"reason"`
	Detail     string          `json:"detail"`
	Key        *billingkey.Key `json:"billing_key"`
	// RawLength and RawSHA256 are those of all that came, also where the table keeps less.
	RawLength int64  `json:"raw_length"`
	RawSHA256 Hash   `json:"raw_sha256"`
	Status    Status `json:"status"`
	// Attempts counts redrives, Deliveries how often the flow met it.
	Attempts   int       `json:"attempts"`
	Deliveries int       `json:"deliveries"`
	Created    time.Time `json:"create_time"`
	Updated    time.Time `json:"update_time"`

	Raw []byte `json:"-"`
	// BodySHA256 is over the whole message body.
	BodySHA256 [32]byte `json:"-"`
	// Occurrence is as in record.Reject.
	Occurrence uint64 `json:"-"`
	// Origin is the first place that the message was read from.
	Origin record.Origin `json:"-"`
}

// Filter picks dead letters; an empty text is no condition.
type Filter struct {
	// AfterID leaves out those up to an id, so that a long list is read in pieces.
	AfterID int64
	// From (included) and To (not) bound when they were written.
	From, To time.Time
	Status   Status
	// Reason is a code, or what stands before the colon of several.
	Reason string
	// Topic is one that the message was read from.
	Topic string
	Limit int
}

// ErrNone is an id without a dead letter.
var ErrNone = errors.New("there is no such dead letter")

// List reads what the filter picks, in the order of the ids, without raw bytes.
func List(ctx context.Context, db billingdb.DBTX, f Filter) ([]Letter, error) {
	rows, err := billingdb.New(db).ListDeadLetters(ctx, billingdb.ListDeadLettersParams{
		AfterID: f.AfterID, TimeFrom: f.From.UTC(), TimeTo: f.To.UTC(), Status: string(f.Status), Reason: f.Reason,
		Topic: f.Topic, Limit: int32(f.Limit),
	})
	if err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	all := make([]Letter, len(rows))
	for i, r := range rows {
		all[i] = Letter{
			ID: r.ID, EntryIndex: int(r.EntryIndex), Reason: r.Reason, Detail: r.Detail, Key: keyOf(r.BillingKey),
			RawLength: r.RawLength, RawSHA256: Hash(r.RawSha256), Status: Status(r.Status), Attempts: int(r.Attempts),
			Deliveries: int(r.Deliveries), Created: r.CreateTime, Updated: r.UpdateTime,
		}
	}
	return all, nil
}

// Read reads one dead letter with all that a redrive needs; ErrNone where there is none.
func Read(ctx context.Context, db billingdb.DBTX, id int64) (*Letter, error) {
	q := billingdb.New(db)
	r, err := q.DeadLetter(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: %d", ErrNone, id)
	}
	if err != nil {
		return nil, fmt.Errorf("dead letter: %w", err)
	}
	l := &Letter{
		ID: r.ID, EntryIndex: int(r.EntryIndex), Reason: r.Reason, Detail: r.Detail, Key: keyOf(r.BillingKey),
		RawLength: r.RawLength, RawSHA256: Hash(r.RawSha256), Status: Status(r.Status), Attempts: int(r.Attempts),
		Deliveries: int(r.Deliveries), Created: r.CreateTime, Updated: r.UpdateTime,
		Raw: r.Raw, BodySHA256: [32]byte(r.BodySha256),
	}
	occurrence, err := q.DeadLetterOccurrence(ctx, billingdb.DeadLetterOccurrenceParams{
		BodySha256: r.BodySha256, EntryIndex: r.EntryIndex,
	})
	if err != nil {
		return nil, fmt.Errorf("dead letter occurrence: %w", err)
	}
	l.Occurrence = uint64(occurrence)
	origins, err := Origins(ctx, db, l.BodySHA256)
	if err != nil {
		return nil, err
	}
	if len(origins) > 0 {
		l.Origin = origins[0].Origin
	}
	return l, nil
}

func keyOf(column []byte) *billingkey.Key {
	if column == nil {
		return nil
	}
	return new(billingkey.Key(column))
}

// Incomplete says why the raw bytes are not all that came, "" when they are: only what is whole can be redriven.
func (l *Letter) Incomplete() string {
	sum := sha256.Sum256(l.Raw)
	whole := bytes.Equal(sum[:], l.RawSHA256[:]) && int64(len(l.Raw)) == l.RawLength
	switch {
	case !whole:
		return fmt.Sprintf("its raw bytes were cut: %d of %d are kept", len(l.Raw), l.RawLength)
	case l.EntryIndex < 0 && sum != l.BodySHA256, l.EntryIndex >= 0 && len(l.Raw) == 0:
		return "its raw bytes were left out, since the database would not take them"
	}
	return ""
}

// CountPending counts the dead letters that wait for a person, by reason.
func CountPending(ctx context.Context, db billingdb.DBTX) (map[string]int64, error) {
	rows, err := billingdb.New(db).PendingDeadLetters(ctx)
	if err != nil {
		return nil, fmt.Errorf("pending dead letters: %w", err)
	}
	counts := make(map[string]int64, len(rows))
	for _, r := range rows {
		counts[r.Reason] = r.Letters
	}
	return counts, nil
}
