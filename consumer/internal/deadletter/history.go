package deadletter

import (
	"context"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

// Place is one origin of a message body, and how often it was delivered from there.
type Place struct {
	record.Origin
	Deliveries int
	First      time.Time
}

// Origins reads where a message body was read, the first place first.
func Origins(ctx context.Context, db billingdb.DBTX, body [32]byte) ([]Place, error) {
	rows, err := billingdb.New(db).DeadLetterOrigins(ctx, body[:])
	if err != nil {
		return nil, fmt.Errorf("dead letter origins: %w", err)
	}
	all := make([]Place, len(rows))
	for i, r := range rows {
		all[i] = Place{
			Origin: record.Origin{
				Topic: r.Topic, Tags: plain(r.Tags), Keys: plain(r.MessageKeys), MsgID: r.MsgID, Broker: r.Broker,
				Queue: int(r.QueueID), Offset: r.QueueOffset, File: r.File,
			},
			Deliveries: int(r.Deliveries), First: r.CreateTime,
		}
	}
	return all, nil
}

func plain(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Action is what somebody did, or tried to do, with a dead letter.
type Action struct {
	// Action is "redrive" or "discard".
	Action string `json:"action"`
	Actor  string `json:"actor"`
	// Outcome is "redriven", "discarded", or "pending" where it stays.
	Outcome Status    `json:"outcome"`
	Detail  string    `json:"detail"`
	Time    time.Time `json:"time"`
}

// The actions.
const (
	Redrive = "redrive"
	Discard = "discard"
)

// Audit reads what was done to a dead letter, the first first.
func Audit(ctx context.Context, db billingdb.DBTX, id int64) ([]Action, error) {
	rows, err := billingdb.New(db).DeadLetterAudit(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("dead letter audit: %w", err)
	}
	all := make([]Action, len(rows))
	for i, r := range rows {
		all[i] = Action{Action: r.Action, Actor: r.Actor, Outcome: Status(r.Outcome), Detail: r.Detail, Time: r.CreateTime}
	}
	return all, nil
}

// Settle notes in the transaction of tx what an action came to, with its audit.
func Settle(ctx context.Context, tx billingdb.DBTX, id int64, a Action) error {
	q := billingdb.New(tx)
	attempts := int32(0)
	if a.Action == Redrive {
		attempts = 1
	}
	err := q.SettleDeadLetter(ctx, billingdb.SettleDeadLetterParams{Status: string(a.Outcome), Attempts: attempts, ID: id})
	if err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	err = q.InsertDeadLetterAudit(ctx, billingdb.InsertDeadLetterAuditParams{
		DeadLetterID: id, Action: a.Action, Actor: text(a.Actor, 255), Outcome: string(a.Outcome), Detail: text(a.Detail, 1024),
	})
	if err != nil {
		return fmt.Errorf("dead letter audit: %w", err)
	}
	return nil
}
