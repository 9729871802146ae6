package meter

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"gateway-billing.internal/consumer/internal/decimal"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/jsonscan"
	"gateway-billing.internal/shared/logentry"
)

// The built-in units.
const (
	UnitRequest       = "request"
	UnitTokens        = "tokens"
	UnitRequestBytes  = "request_bytes"
	UnitResponseBytes = "response_bytes"
)

// Meter counts one unit.
type Meter struct {
	Unit string
	// From is where its number is read; nil for the units request and tokens, which are counted elsewhere.
	From Source
}

// Source gives the text of a number, false where the entry does not hold one.
type Source func(*logentry.Entry) (number string, ok bool)

// Reading is what a meter read.
type Reading struct {
	record.Quantity
	// Rounded: the number had more digits than are kept.
	Rounded bool
}

// Read reads the meter. false is a count that is not known. The meter must have a source.
func (m Meter) Read(e *logentry.Entry) (Reading, bool) {
	text, ok := m.From(e)
	if !ok {
		return Reading{}, false
	}
	amount, rounded, ok := decimal.Parse(text)
	return Reading{record.Quantity{Unit: m.Unit, Amount: amount}, rounded}, ok
}

// BuiltIn gives the source of a unit that needs none named: nil for request and tokens. false is any other unit.
func BuiltIn(unit string) (Source, bool) {
	switch unit {
	case UnitRequest, UnitTokens:
		return nil, true
	case UnitRequestBytes:
		return func(e *logentry.Entry) (string, bool) { return size(e.RequestSize) }, true
	case UnitResponseBytes:
		return func(e *logentry.Entry) (string, bool) { return size(e.ResponseSize) }, true
	}
	return nil, false
}

func size(n *int64) (string, bool) {
	if n == nil {
		return "", false
	}
	return strconv.FormatInt(*n, 10), true
}

// ResponseJSON reads the number at a path of the response's body.
func ResponseJSON(p Path) Source {
	return func(e *logentry.Entry) (string, bool) { return p.number(e.ResponseBody) }
}

// RequestJSON reads the number at a path of the request's body.
func RequestJSON(p Path) Source {
	return func(e *logentry.Entry) (string, bool) { return p.number(e.RequestBody) }
}

// number is the text of a number, or of a string that may hold one.
func (p Path) number(body *string) (string, bool) {
	if body == nil {
		return "", false
	}
	value, ok := p.find(*body)
	if text, isText := jsonscan.Text(value); isText {
		return strings.TrimSpace(text), ok
	}
	return string(value), ok
}

// ResponseHeader reads the number that a response header holds. A repeated header holds none.
func ResponseHeader(name string) Source {
	name = strings.ToLower(name)
	return func(e *logentry.Entry) (string, bool) {
		values := e.ResponseHeaders.Get(name)
		if len(values) != 1 {
			return "", false
		}
		return strings.TrimSpace(values[0]), true
	}
}

var (
	// unitForm leaves room for marks such as rounded:<unit>.
	unitForm   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,38}$`)
	headerForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")
)

// CheckUnit says what is wrong with the name of a unit. The ledger's sums know the columns of tokens as units of the
// same names, so no other unit may look like one of them.
func CheckUnit(unit string) error {
	switch {
	case !unitForm.MatchString(unit):
		return errors.New("must be a lower-case letter, then at most 38 lower-case letters, digits and _")
	case unit != UnitTokens && strings.HasSuffix(unit, "tokens"):
		return errors.New("must not end in tokens: these names are the ledger's own")
	}
	return nil
}

// CheckHeader says what is wrong with the name of a header.
func CheckHeader(name string) error {
	if !headerForm.MatchString(name) {
		return errors.New("must be the name of a header")
	}
	return nil
}
