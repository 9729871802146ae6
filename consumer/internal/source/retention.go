package source

import (
	"context"
	"errors"
	"time"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// retentionAge is how long a broker's word on its retention, or its refusal to say, is good.
const retentionAge = 10 * time.Minute

// retentions are after how long each broker deletes messages, asked once in a while. A nil one asks nobody.
type retentions map[string]retention

type retention struct {
	// keeps is 0 where the broker does not say; with access control only its administrators may ask.
	keeps time.Duration
	asked time.Time
}

func (r retentions) of(ctx context.Context, broker string, conn *remoting.Conn) time.Duration {
	if r == nil {
		return 0
	}
	known, ok := r[broker]
	if !ok || time.Since(known.asked) > retentionAge {
		var err error
		known = retention{asked: time.Now()}
		known.keeps, err = conn.Retention(ctx)
		if _, refused := errors.AsType[*remoting.AnswerError](err); err == nil || refused {
			r[broker] = known
		}
	}
	return known.keeps
}
