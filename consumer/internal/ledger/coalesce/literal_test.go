package coalesce

import (
	"database/sql"
	"math"
	"strings"
	"testing"
	"time"
)

func TestLiterals(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89e6+999e3, time.FixedZone("", 3600))
	for _, tt := range []struct {
		value any
		want  string
	}{
		{nil, "NULL"}, {(*string)(nil), "NULL"}, {[]byte(nil), "NULL"}, {(*float64)(nil), "NULL"}, {(*bool)(nil), "NULL"},
		{"", "''"}, {[]byte{}, "_binary''"}, {new("a"), "'a'"}, {new(""), "''"},
		{"a'b\"c\\d\x00e\nf\rg\x1ah%_;--", `'a\'b\"c\\d\0e\nf\rg\Zh%_;--'`},
		{[]byte{0xff, 0, '\''}, "_binary'\xff\\0\\''"}, {"日本\u2028", "'日本\u2028'"}, {`\' OR 1=1 -- `, `'\\\' OR 1=1 -- '`},
		{int64(-5), "-5"}, {int32(7), "7"}, {uint64(math.MaxUint64), "18446744073709551615"}, {new(int32(3)), "3"}, {new(uint64(4)), "4"},
		{true, "1"}, {new(false), "0"}, {2.5, "2.5"}, {new(1e21), "1e+21"}, {1e-7, "1e-07"},
		{at, "'2026-03-04 04:06:07.089'"}, // UTC, ms cut
		{sql.NullTime{}, "NULL"}, {sql.NullTime{Time: at, Valid: true}, "'2026-03-04 04:06:07.089'"},
	} {
		got, err := appendLiteral(nil, tt.value)
		if err != nil || string(got) != tt.want {
			t.Errorf("%#v is %s, want %s: %v", tt.value, got, tt.want, err)
		}
	}
	for _, value := range []any{7, math.NaN(), math.Inf(1), new(math.NaN()), struct{}{}, []string{"a"}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got, err := appendLiteral(nil, value); err == nil {
			t.Errorf("%#v is taken: %s", value, got)
		}
	}
}

// A text ends at its own last quote and nowhere before, whatever it holds, and no literal is longer than was counted.
func FuzzText(f *testing.F) {
	f.Add(`a'b\`)
	f.Add("\x00\x1a\r\n\"")
	f.Fuzz(func(t *testing.T, s string) {
		for _, value := range []any{s, []byte(s)} {
			got, err := appendLiteral(nil, value)
			if err != nil {
				t.Fatal(err)
			}
			if n := exactly([]any{value}); len(got) > n {
				t.Fatalf("%d bytes, %d were counted", len(got), n)
			}
			text := strings.TrimPrefix(string(got), "_binary")
			if back, ok := unquote(text); !ok || back != s {
				t.Fatalf("%q reads back as %q", text, back)
			}
		}
	})
}

// unquote reads a literal as the server does.
func unquote(text string) (string, bool) {
	if len(text) < 2 || text[0] != '\'' {
		return "", false
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; c {
		case '\'':
			return b.String(), i == len(text)-1
		case '\\':
			i++
			if i == len(text) {
				return "", false
			}
			c = text[i]
			if meant, ok := map[byte]byte{'0': 0, 'n': '\n', 'r': '\r', 'Z': 0x1a}[c]; ok {
				c = meant
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
