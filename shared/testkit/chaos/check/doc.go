// Package check owns the verdict of a chaos run: it holds the tables, read by statements of its own, against the book of
// truth, request by request.
package check

import (
	"database/sql"
	"fmt"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/chaos/taker"
	"gateway-billing.internal/shared/testkit/chaos/traffic"
	"gateway-billing.internal/shared/testkit/chaos/truth"
	"gateway-billing.internal/shared/testkit/programs"
)

// Run is what is checked: the tables of a run that is over, and its book.
type Run struct {
	DB      *sql.DB
	Book    *truth.Book
	Keys    *billingkey.KeySet
	Profile traffic.Profile
	// Taker followed the ledger from the start to the end.
	Taker *taker.Taker
	// Client did so by HTTP.
	Client *taker.Client
	// Metrics are the counters of the consumers that lived to the end.
	Metrics map[string]float64
	// Gaps is what `billing-consumer gaps` says of all runs at once, a JSON object a line.
	Gaps []byte
	// Usage is what `billing-consumer usage` says.
	Usage programs.Usage
	// Answer is what GET /v1/usage says of all time by APISIX consumer and model.
	Answer []byte
}

// Report is what was found.
type Report struct {
	// Repeats are records that are not billed because another attempt at their order is; Missing are stamp numbers that
	// never arrived.
	Records, Duplicates, Repeats, DeadLetters, Missing int64
	// ComeAgain is how often a record that was taken came again, changed.
	ComeAgain int
	// Tokens are those of all records.
	Tokens int64
	// ByHTTP is how many records were taken over HTTP, in how many answers; Broken is how many requests had none.
	ByHTTP, Answers, Broken int
	// Differences begins with the first request, in their order, that is not as it was. Empty: the run holds.
	Differences []string
}

func (r *Report) differ(format string, args ...any) {
	r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
}
