package usage

import (
	"strings"

	"gateway-billing.internal/shared/jsonscan"
)

// The scanner reads a JSON text that may stop anywhere, as logged bodies do. It goes over the bytes once, copies
// nothing, and gives what was complete before the end. What stands inside a value, such as generated text that imitates
// a usage object, is never looked at.

// members calls each with the top-level members of the object that s begins with, the last of a repeated name last; an
// object or array that does not close is given as far as it goes. end is the place behind the object; whole is false
// where it does not close, or is none.
func members(s string, each func(name, value string)) (end int, whole bool) {
	i := space(s, 0)
	if i >= len(s) || s[i] != '{' {
		return i, false
	}
	i = space(s, i+1)
	if i < len(s) && s[i] == '}' {
		return i + 1, true
	}
	for i < len(s) && s[i] == '"' {
		nameEnd, ok := skipText(s, i+1)
		if !ok {
			return i, false
		}
		name := s[i+1 : nameEnd-1]
		if strings.IndexByte(name, '\\') >= 0 {
			name, _ = jsonscan.Text([]byte(s[i:nameEnd]))
		}
		if i = space(s, nameEnd); i >= len(s) || s[i] != ':' {
			return i, false
		}
		i = space(s, i+1)
		valueEnd, ok := skip(s, i)
		if !ok {
			if i < len(s) && (s[i] == '{' || s[i] == '[') {
				each(name, s[i:valueEnd])
			}
			return i, false
		}
		each(name, s[i:valueEnd])
		if i = space(s, valueEnd); i >= len(s) {
			return i, false
		}
		switch s[i] {
		case ',':
			i = space(s, i+1)
		case '}':
			return i + 1, true
		default:
			return i, false
		}
	}
	return i, false
}

// elements calls each with the elements of the array that s begins with; one that is not complete is given too.
func elements(s string, each func(value string, complete bool)) (end int, whole bool) {
	i := space(s, 0)
	if i >= len(s) || s[i] != '[' {
		return i, false
	}
	i = space(s, i+1)
	if i < len(s) && s[i] == ']' {
		return i + 1, true
	}
	for i < len(s) {
		valueEnd, ok := skip(s, i)
		each(s[i:valueEnd], ok)
		if !ok {
			return valueEnd, false
		}
		if i = space(s, valueEnd); i >= len(s) {
			return i, false
		}
		switch s[i] {
		case ',':
			i = space(s, i+1)
		case ']':
			return i + 1, true
		default:
			return i, false
		}
	}
	return i, false
}

// skip is the place behind the value at i; false where the value is not complete. A number or word is complete only
// where something follows it.
func skip(s string, i int) (end int, ok bool) {
	if i >= len(s) {
		return i, false
	}
	switch s[i] {
	case '"':
		return skipText(s, i+1)
	case '{', '[':
		return skipNested(s, i)
	case ',', ':', '}', ']':
		return i, false
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case ',', '}', ']', ' ', '\n', '\r', '\t':
			return i, true
		}
	}
	return i, false
}

func skipNested(s string, i int) (end int, ok bool) {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			if i, ok = skipText(s, i+1); !ok {
				return i, false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
		}
		i++
	}
	return i, false
}

// skipText is the place behind the text whose opening quote stands before i.
func skipText(s string, i int) (end int, ok bool) {
	for from := i; ; {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return len(s), false
		}
		i += n
		back := 0 // a quote behind an odd number of backslashes is escaped
		for k := i - 1; k >= from && s[k] == '\\'; k-- {
			back++
		}
		i++
		if back%2 == 0 {
			return i, true
		}
	}
}

func space(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// text is what a JSON text says; "" for any other value.
func text(value string) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if inner := value[1 : len(value)-1]; strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	s, _ := jsonscan.Text([]byte(value))
	return s
}

func isObject(value string) bool { return value != "" && value[0] == '{' }
