package ledger

import (
	"context"

	"gateway-billing.internal/consumer/internal/deadletter"
)

// DeadLetters lists the dead letters that the filter picks, in the order of their ids, without raw bytes.
func (s *Store) DeadLetters(ctx context.Context, f deadletter.Filter) ([]deadletter.Letter, error) {
	return deadletter.List(ctx, s.db, f)
}

// DeadLetter reads one dead letter with all that is known of it: where it came from, the first place first, and what
// was done to it. deadletter.ErrNone where there is none.
func (s *Store) DeadLetter(ctx context.Context, id int64) (*deadletter.Letter, []deadletter.Place, []deadletter.Action, error) {
	letter, err := deadletter.Read(ctx, s.db, id)
	if err != nil {
		return nil, nil, nil, err
	}
	places, err := deadletter.Origins(ctx, s.db, letter.BodySHA256)
	if err != nil {
		return nil, nil, nil, err
	}
	audit, err := deadletter.Audit(ctx, s.db, id)
	return letter, places, audit, err
}

// PendingDeadLetters counts the dead letters that wait for a person, by reason.
func (s *Store) PendingDeadLetters(ctx context.Context) (map[string]int64, error) {
	return deadletter.CountPending(ctx, s.db)
}
