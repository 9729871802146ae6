package jsonscan

// maxDepth is how deeply arrays and objects may be nested, as in encoding/json.
const maxDepth = 10_000

// Valid says whether doc is one JSON value, with nothing but space around it.
func Valid(doc []byte) bool {
	i, ok := value(doc, space(doc, 0), 0)
	return ok && space(doc, i) == len(doc)
}

// value checks the value that begins at i, and gives the place behind it.
func value(b []byte, i, depth int) (int, bool) {
	if i >= len(b) {
		return i, false
	}
	switch c := b[i]; {
	case c == '"':
		return text(b, i+1)
	case c == '{':
		return members(b, i+1, depth+1)
	case c == '[':
		return elements(b, i+1, depth+1)
	case c == '-' || '0' <= c && c <= '9':
		return number(b, i)
	case c == 't':
		return word(b, i, "true")
	case c == 'f':
		return word(b, i, "false")
	case c == 'n':
		return word(b, i, "null")
	default:
		return i, false
	}
}

// members checks an object from behind its brace on.
func members(b []byte, i, depth int) (int, bool) {
	if depth > maxDepth {
		return i, false
	}
	i = space(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1, true
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return i, false
		}
		var ok bool
		if i, ok = text(b, i+1); !ok {
			return i, false
		}
		if i = space(b, i); i >= len(b) || b[i] != ':' {
			return i, false
		}
		if i, ok = value(b, space(b, i+1), depth); !ok {
			return i, false
		}
		if i = space(b, i); i >= len(b) {
			return i, false
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return i + 1, true
		default:
			return i, false
		}
	}
}

// elements checks an array from behind its bracket on.
func elements(b []byte, i, depth int) (int, bool) {
	if depth > maxDepth {
		return i, false
	}
	i = space(b, i)
	if i < len(b) && b[i] == ']' {
		return i + 1, true
	}
	for {
		var ok bool
		if i, ok = value(b, i, depth); !ok {
			return i, false
		}
		if i = space(b, i); i >= len(b) {
			return i, false
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case ']':
			return i + 1, true
		default:
			return i, false
		}
	}
}

// plain are the bytes of a text that mean themselves: no quote, backslash or control character.
var plain = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

// text checks a text from behind its quote on.
func text(b []byte, i int) (int, bool) {
	for i < len(b) {
		switch c := b[i]; {
		case plain[c]:
			i++
		case c == '"':
			return i + 1, true
		case c != '\\' || i+1 >= len(b):
			return i, false
		case b[i+1] == 'u':
			if i+6 > len(b) || !hex(b[i+2]) || !hex(b[i+3]) || !hex(b[i+4]) || !hex(b[i+5]) {
				return i, false
			}
			i += 6
		case escapes[b[i+1]] != 0:
			i += 2
		default:
			return i, false
		}
	}
	return i, false
}

// escapes are the characters that stand behind a backslash, u apart, and what they mean.
var escapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func hex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// number checks -?int[.digits][e[+-]digits].
func number(b []byte, i int) (int, bool) {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if next := digits(b, i); next > i {
		i = next
	} else {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		next := digits(b, i+1)
		if next == i+1 {
			return i, false
		}
		i = next
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		next := digits(b, i)
		if next == i {
			return i, false
		}
		i = next
	}
	return i, true
}

func digits(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}

func word(b []byte, i int, w string) (int, bool) {
	if len(b)-i < len(w) || string(b[i:i+len(w)]) != w {
		return i, false
	}
	return i + len(w), true
}

// space is the place of the next byte that is no space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
