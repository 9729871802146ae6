package jsonscan

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is what a JSON text says: valid UTF-8, without its quotes and escapes. false for a value of another kind.
func Text(value []byte) (string, bool) {
	inner, ok := inside(value)
	if !ok {
		return "", false
	}
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner), true
	}
	return string(unescape(inner)), true
}

// Is says whether a JSON text says s, which is plain ASCII.
func Is(value []byte, s string) bool {
	inner, ok := inside(value)
	switch {
	case !ok || len(inner) < len(s): // an escape is longer than the ASCII that it means
		return false
	case len(inner) == len(s):
		return string(inner) == s
	default:
		return bytes.IndexByte(inner, '\\') >= 0 && string(unescape(inner)) == s
	}
}

// inside is a text without its quotes.
func inside(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return nil, false
	}
	return value[1 : len(value)-1], true
}

// unescape makes a text of what stands between its quotes.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b)+2*utf8.UTFMax)
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\\')
		if n < 0 {
			n = len(b)
		}
		out = appendValid(out, b[:n])
		b = b[n:]
		if len(b) < 2 {
			break
		}
		if b[1] != 'u' {
			out = append(out, escapes[b[1]])
			b = b[2:]
			continue
		}
		r, size := unit(b)
		if utf16.IsSurrogate(r) {
			low, more := unit(b[size:])
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				r, size = pair, size+more
			} else {
				r = utf8.RuneError
			}
		}
		out = utf8.AppendRune(out, r)
		b = b[size:]
	}
	return out
}

// unit is the \uXXXX that b begins with, and its length; -1 where it does not begin with one.
func unit(b []byte) (r rune, size int) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1, min(len(b), 2)
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1, 2
	}
	return rune(n), 6
}

// appendValid appends b with each byte that is not UTF-8 as U+FFFD.
func appendValid(out, b []byte) []byte {
	if utf8.Valid(b) {
		return append(out, b...)
	}
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		out = utf8.AppendRune(out, r)
		b = b[size:]
	}
	return out
}
