// Package recordexport owns how usage records are written for others: as NDJSON and CSV that can go on behind the last record
// that is whole, and as numbered parts of Parquet, each of which appears when it is whole.
package recordexport

import (
	"errors"
	"fmt"
	"io"

	"gateway-billing.internal/consumer/internal/ledger"
)

// Form is how records are written.
type Form string

// The forms.
const (
	CSV     Form = "csv"
	NDJSON  Form = "ndjson"
	Parquet Form = "parquet"
)

// Sink takes records.
type Sink interface {
	// Write takes a page. What it took is kept, whatever becomes of the process, once it returns; of Parquet, once a part is
	// whole.
	Write(page []ledger.Exported) error
	// Close finishes what was taken.
	Close() error
}

// ErrExists is a file that is there already, where nobody asked to go on with it.
var ErrExists = errors.New("is there already: --resume goes on with it")

// ToWriter writes to a stream, in any form but Parquet.
func ToWriter(form Form, w io.Writer) (Sink, error) {
	switch form {
	case NDJSON:
		return newLines(w, nil), nil
	case CSV:
		return newTable(w, nil, true)
	}
	return nil, fmt.Errorf("%s needs a file", form)
}

// ToFile writes to a file; resume goes on with one that is there, behind the last record that is whole, which is returned.
func ToFile(form Form, name string, resume bool) (Sink, *ledger.Exported, error) {
	if form == Parquet {
		return toParts(name, resume)
	}
	f, last, empty, err := openFile(form, name, resume)
	if err != nil {
		return nil, nil, err
	}
	if form == NDJSON {
		return newLines(f, f), last, nil
	}
	sink, err := newTable(f, f, empty)
	return sink, last, err
}
