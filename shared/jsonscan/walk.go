package jsonscan

import (
	"bytes"
	"iter"
)

// Trim is doc without the space around its value.
func Trim(doc []byte) []byte { return bytes.Trim(doc, " \t\r\n") }

// Members are the members of an object in their order: each name as it stands, in its quotes (see Text), and its value.
// There are none in what is no object.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		if len(object) == 0 || object[0] != '{' {
			return
		}
		for i := space(object, 1); i < len(object) && object[i] == '"'; {
			name := object[i:skip(object, i)]
			i = space(object, i+len(name))
			if i >= len(object) || object[i] != ':' {
				return
			}
			i = space(object, i+1)
			end := skip(object, i)
			if end == i || !yield(name, object[i:end]) {
				return
			}
			if i = space(object, end); i >= len(object) || object[i] != ',' {
				return
			}
			i = space(object, i+1)
		}
	}
}

// Elements are the elements of an array in their order. There are none in what is no array.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		if len(array) == 0 || array[0] != '[' {
			return
		}
		for i := space(array, 1); i < len(array) && array[i] != ']'; {
			end := skip(array, i)
			if end == i || !yield(array[i:end]) {
				return
			}
			if i = space(array, end); i >= len(array) || array[i] != ',' {
				return
			}
			i = space(array, i+1)
		}
	}
}

// skip is the place behind the value that begins at i; i itself where none does.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipText(b, i+1)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				i = skipText(b, i+1)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return i
	case ',', ':', '}', ']':
		return i
	default: // a number or a word
		for i < len(b) && b[i] > ' ' && b[i] != ',' && b[i] != '}' && b[i] != ']' {
			i++
		}
		return i
	}
}

// skipText is the place behind the text whose opening quote stands before i.
func skipText(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		// A quote behind an odd number of backslashes is escaped.
		back := 0
		for k := i + n - 1; k >= i && b[k] == '\\'; k-- {
			back++
		}
		if i += n + 1; back%2 == 0 {
			return i
		}
	}
}
