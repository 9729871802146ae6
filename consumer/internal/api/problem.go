package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger/totals"
)

// problem is an answer that says why there is none (RFC 9457).
type problem struct {
	Type   string           `json:"type"`
	Title  string           `json:"title"`
	Status int              `json:"status"`
	Detail string           `json:"detail"`
	Errors []parameterError `json:"errors,omitempty"`

	retryAfter time.Duration
}

// parameterError says what is wrong with a parameter; it does not repeat the value.
type parameterError struct {
	Parameter string `json:"parameter"`
	Detail    string `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d: %s", p.Status, p.Detail) }

// plain is a problem that its status tells.
func plain(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// later is a problem that ends by itself.
func later(status int, after time.Duration, detail string) *problem {
	p := plain(status, detail)
	p.retryAfter = after
	return p
}

// problemOf is what an error means to who asked. Nothing of an error of the database is shown: it may hold values of others.
func problemOf(ctx context.Context, err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, totals.ErrTooMany):
		return &problem{Type: "/problems/too-many-rows", Title: "Too many rows", Status: http.StatusUnprocessableEntity,
			Detail: fmt.Sprintf("the answer would have more than %d rows, or %d MiB of names: ask for less time or fewer groups", maxRows, maxNames>>20)}
	case errors.Is(err, totals.ErrPruned):
		return &problem{Type: "/problems/pruned", Title: "Records are pruned", Status: http.StatusConflict,
			Detail: "records of this time are pruned, and dimensions are kept with records only"}
	case errors.Is(err, deadletter.ErrNone):
		return plain(http.StatusNotFound, "there is no such dead letter")
	case errors.Is(err, errTooSlow), errors.Is(context.Cause(ctx), errTooSlow):
		return plain(http.StatusGatewayTimeout, "the answer took too long: ask for less at once")
	}
	return outage()
}

// outage is a database that is away.
func outage() *problem {
	return later(http.StatusServiceUnavailable, 5*time.Second, "the database can't answer now")
}

func (p *problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Del("ETag")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(p.Status)
	// An error here is a client that went away.
	_ = json.NewEncoder(w).Encode(p)
}
