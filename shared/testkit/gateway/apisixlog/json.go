package apisixlog

import (
	"fmt"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Object is a Lua table with named members: a value is a string, a float64, a bool, an Object, a []any, or nil, which
// leaves the member out.
type Object map[string]any

// Encode writes an entry as cjson does with APISIX's settings: members in random order, numbers with 14 digits, control
// characters and DEL escaped, '/' plain, and every byte from 0x80 up as it is. So a string that is not UTF-8 makes a text
// that is not UTF-8.
func Encode(entry Object) []byte { return appendValue(nil, entry) }

// EncodeText writes a string as Encode does.
func EncodeText(s string) []byte { return appendString(nil, s) }

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case Object:
		b = append(b, '{')
		for name, member := range v {
			if member == nil {
				continue
			}
			if b[len(b)-1] != '{' {
				b = append(b, ',')
			}
			b = append(appendString(b, name), ':')
			b = appendValue(b, member)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, item)
		}
		return append(b, ']')
	case string:
		return appendString(b, v)
	case float64:
		return append(b, nginx.FormatNumber(v)...)
	case bool:
		return fmt.Append(b, v)
	default:
		panic(fmt.Sprintf("apisixlog: a value of type %T has no JSON form", value))
	}
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\f':
			b = append(b, `\f`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			if c < 0x20 || c == 0x7f {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}
