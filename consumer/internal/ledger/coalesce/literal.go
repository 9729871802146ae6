package coalesce

import (
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
	"time"
)

// timeForm is a DATETIME of ms, the most that any column holds.
const timeForm = "'2006-01-02 15:04:05.000'"

// appendLiteral writes a value as SQL. It knows the types that sqlc's parameters have, and refuses every other. Texts are
// escaped with backslashes: the ledger sets the session's sql_mode, without NO_BACKSLASH_ESCAPES. (The driver would do the
// same, of arguments that it copies three times on the way, for a thousand rows at once.)
func appendLiteral(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, "NULL"...), nil
	case string:
		return appendText(b, v), nil
	case []byte:
		if v == nil {
			return append(b, "NULL"...), nil
		}
		return appendText(append(b, "_binary"...), v), nil
	case int32:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case uint64:
		return strconv.AppendUint(b, v, 10), nil
	case bool:
		if v {
			return append(b, '1'), nil
		}
		return append(b, '0'), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("coalesce: %v is no number of SQL", v)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64), nil
	case time.Time:
		if y := v.UTC().Year(); y < 1 || y > 9999 {
			return nil, fmt.Errorf("coalesce: the year %d does not fit a DATETIME", y)
		}
		return v.UTC().AppendFormat(b, timeForm), nil
	case *string:
		return appendPointer(b, v)
	case *int32:
		return appendPointer(b, v)
	case *int64:
		return appendPointer(b, v)
	case *uint64:
		return appendPointer(b, v)
	case *bool:
		return appendPointer(b, v)
	case *float64:
		return appendPointer(b, v)
	case driver.Valuer:
		inner, err := v.Value()
		if err != nil {
			return nil, err
		}
		return appendLiteral(b, inner)
	default:
		return nil, fmt.Errorf("coalesce: no literal for the type %T", value)
	}
}

func appendPointer[T any](b []byte, v *T) ([]byte, error) {
	if v == nil {
		return append(b, "NULL"...), nil
	}
	return appendLiteral(b, *v)
}

// escaped is what stands behind the backslash of a byte that can't stand by itself; 0 for all others.
var escaped = [256]byte{0: '0', '\n': 'n', '\r': 'r', 0x1a: 'Z', '\'': '\'', '"': '"', '\\': '\\'}

// appendText writes a text in quotes. What needs no escape is copied in stretches.
func appendText[T string | []byte](b []byte, s T) []byte {
	b = append(b, '\'')
	from := 0
	for i := range len(s) {
		if e := escaped[s[i]]; e != 0 {
			b = append(append(b, s[from:i]...), '\\', e)
			from = i + 1
		}
	}
	return append(append(b, s[from:]...), '\'')
}
