package nginx

import "strings"

// Arg is one query argument, unescaped. Bare is an argument without `=`, which Lua shows as `true`.
type Arg struct {
	Name, Value string
	Bare        bool
}

// ParseArgs reads a raw query string as ngx.req.get_uri_args does: `%XX` and `+` are unescaped, a broken escape stays as
// it is, an argument without a name is dropped. limit 0 means all, else no more than that many.
func ParseArgs(query string, limit int) []Arg {
	var args []Arg
	for part := range strings.SplitSeq(query, "&") {
		if limit > 0 && len(args) == limit {
			break
		}
		name, value, found := strings.Cut(part, "=")
		if name == "" {
			continue
		}
		args = append(args, Arg{unescape(name), unescape(value), !found})
	}
	return args
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
