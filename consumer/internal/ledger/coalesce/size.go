package coalesce

// otherSize is more than a number, a time or NULL needs with its comma, and more than the quotes, the comma and the
// introducer _binary around a text.
const otherSize = 40

// atMost is a quick upper bound of what a row needs in a statement: each byte of a text might be escaped.
func atMost(args []any) int {
	total := 0
	for _, a := range args {
		total += otherSize + 2*length(a)
	}
	return total
}

// exactly counts the bytes that are escaped; otherSize remains a bound.
func exactly(args []any) int {
	total := 0
	for _, a := range args {
		total += otherSize + length(a)
		switch v := a.(type) {
		case string:
			total += escapes(v)
		case *string:
			if v != nil {
				total += escapes(*v)
			}
		case []byte:
			total += escapes(v)
		}
	}
	return total
}

func length(a any) int {
	switch v := a.(type) {
	case string:
		return len(v)
	case *string:
		if v != nil {
			return len(*v)
		}
	case []byte:
		return len(v)
	}
	return 0
}

// Escaped is what a text needs in a statement, without its quotes.
func Escaped(s string) int { return len(s) + escapes(s) }

// escapes counts the bytes that are written as two.
func escapes[T string | []byte](s T) int {
	n := 0
	for i := range len(s) {
		if escaped[s[i]] != 0 {
			n++
		}
	}
	return n
}
