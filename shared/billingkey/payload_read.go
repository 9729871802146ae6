package billingkey

import (
	"encoding/binary"
	"time"
	"unicode/utf8"
)

// readPayload is the inverse of appendPayload. It accepts exactly what appendPayload writes, and unknown fields behind.
func readPayload(p []byte) (st Stamp, ok bool) {
	if len(p) < fixedLen || len(p) > MaxPayload || p[0] != payloadVersion {
		return Stamp{}, false
	}
	st.RequestID = RequestID(p[1:17])
	switch p[17] {
	case sourceVar:
		st.IDSource = IDFromVar
	case sourceHeaders:
		st.IDSource = IDFromHeaders
	default:
		return Stamp{}, false
	}
	st.Time = time.UnixMilli(int64(binary.BigEndian.Uint64(p[16:24]) & (1<<48 - 1))).UTC()
	st.Epoch = Epoch(p[24:38])
	st.Sequence = binary.BigEndian.Uint64(p[38:46])
	if st.Sequence == 0 {
		return Stamp{}, false
	}
	// One copy for all text of the stamp: the fields are parts of it.
	if !readFields(&st, string(p[fixedLen:])) || st.Runner == "" {
		return Stamp{}, false
	}
	return st, true
}

func readFields(st *Stamp, rest string) bool {
	last := -1
	for len(rest) > 0 {
		if len(rest) < fieldHeadLen || int(rest[0]) <= last {
			return false
		}
		tag, n := rest[0], fieldHeadLen+lengthAt(rest, 1)
		if n > len(rest) || tag == 0 || !readField(st, tag, rest[fieldHeadLen:n]) {
			return false
		}
		last, rest = int(tag), rest[n:]
	}
	return true
}

func readField(st *Stamp, tag byte, value string) bool {
	switch tag {
	case tagRunner:
		st.Runner = value
		return isText(value, MaxRunner)
	case tagConsumer:
		st.Consumer = value
		return isText(value, MaxConsumer)
	case tagIdempotency:
		st.IdempotencyKey = value
		return isText(value, MaxIdempotencyKey)
	case tagPrevious:
		if len(value) != len(st.PreviousEpoch)+8 {
			return false
		}
		n := copy(st.PreviousEpoch[:], value)
		var last [8]byte
		copy(last[:], value[n:])
		st.PreviousLast = binary.BigEndian.Uint64(last[:])
		return !st.PreviousEpoch.IsZero()
	case tagDimensions:
		return readDimensions(st, value)
	case tagDimensionsCut:
		st.DimensionsCut = true
		return value == ""
	default:
		return true
	}
}

func readDimensions(st *Stamp, rest string) bool {
	if rest == "" {
		return false
	}
	st.Dimensions = make(map[string]string)
	for before := ""; len(rest) > 0; {
		if len(rest) < dimHeadLen {
			return false
		}
		n := dimHeadLen + int(rest[0])
		end := n + lengthAt(rest, 1)
		if end > len(rest) {
			return false
		}
		name, value := rest[dimHeadLen:n], rest[n:end]
		if name <= before || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return false
		}
		st.Dimensions[name] = value
		before, rest = name, rest[end:]
	}
	return true
}

func lengthAt(s string, i int) int { return int(s[i])<<8 | int(s[i+1]) }

func isText(s string, limit int) bool { return s != "" && len(s) <= limit && utf8.ValidString(s) }
