package billingkey

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// IDSource says how the runner learned the request ID.
type IDSource string

// The sources of a request ID. An ID learned from headers could be a client's where the gateway is not set up to
// overwrite them, so it counts only when the entry's billing object confirms it.
const (
	IDFromVar     IDSource = "var"
	IDFromHeaders IDSource = "headers"
)

// The limits of a stamp's parts, in bytes. What the fixed parts leave of MaxPayload is the dimensions'.
const (
	MaxConsumer       = 255
	MaxIdempotencyKey = 256
	MaxRunner         = 255
	MaxDimensionName  = 255
	MaxPayload        = 2048
)

// Stamp is what a runner says of one request. All text is valid UTF-8.
type Stamp struct {
	RequestID RequestID
	IDSource  IDSource
	// Consumer is the APISIX consumer's name, empty for an anonymous request.
	Consumer string
	// Time is when the request was stamped; it travels in ms.
	Time time.Time
	// IdempotencyKey is empty when the client sent none.
	IdempotencyKey string
	// Dimensions are the named values that the plugin's configuration asks for. DimensionsCut says that some were left
	// out because they did not fit.
	Dimensions    map[string]string
	DimensionsCut bool
	// Runner names the process that stamped, Epoch its run, and Sequence counts the stamps of that run from 1.
	Runner   string
	Epoch    Epoch
	Sequence uint64
	// PreviousEpoch is the runner's run before this one and PreviousLast its last number; zero when not known.
	PreviousEpoch Epoch
	PreviousLast  uint64
}

// check says what keeps st from being written, dimensions apart: they are left out instead.
func (st *Stamp) check() error {
	if st.IDSource != IDFromVar && st.IDSource != IDFromHeaders {
		return errors.New("stamp: ID source: neither var nor headers")
	}
	if ms := st.Time.UnixMilli(); ms < 0 || ms >= maxKeyTime {
		return errors.New("stamp: time: does not fit 6 bytes of ms since 1970")
	}
	if st.Runner == "" {
		return errors.New("stamp: runner: empty")
	}
	if st.PreviousEpoch.IsZero() && st.PreviousLast != 0 {
		return errors.New("stamp: previous last number: without its epoch")
	}
	return errors.Join(
		checkText("runner", st.Runner, MaxRunner),
		checkText("consumer", st.Consumer, MaxConsumer),
		checkText("idempotency key", st.IdempotencyKey, MaxIdempotencyKey),
	)
}

func checkText(field, s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("stamp: %s: %d bytes, at most %d", field, len(s), limit)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("stamp: %s: not valid UTF-8", field)
	}
	return nil
}
