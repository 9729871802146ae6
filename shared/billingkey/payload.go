package billingkey

import (
	"encoding/binary"
	"maps"
	"slices"
	"unicode/utf8"
)

// The payload of a stamp, version 1. All numbers are big-endian.
//
//	offset  bytes
//	0       1      encoding version, 1
//	1       16     request ID
//	17      1      how it was learned: 1 var, 2 headers
//	18      6      time, ms since 1970
//	24      14     epoch
//	38      8      sequence, from 1
//	46      …      fields, each: tag (1 byte), length (2 bytes), value
//
// Fields stand in ascending order of their tags, each at most once, so a stamp has exactly one payload. A field with
// nothing to say is not written. A reader skips the tags that it does not know: a later version 1 may add fields behind
// these, and may not change or reorder them.
//
//	tag  value
//	1    runner (1–255 bytes of UTF-8); always there
//	2    APISIX consumer (1–256 bytes of UTF-8); absent when the request is anonymous
//	3    idempotency key (1–256 bytes of UTF-8)
//	4    previous epoch (14 bytes) and its last number (8 bytes)
//	5    dimensions, one or more, in ascending order of their names, each: length of the name (1 byte, not 0), length of
//	     the value (2 bytes), name, value (UTF-8)
//	6    no value: dimensions were left out
const (
	payloadVersion = 1
	fixedLen       = 46
	fieldHeadLen   = 3
	dimHeadLen     = 3

	tagRunner        = 1
	tagConsumer      = 2
	tagIdempotency   = 3
	tagPrevious      = 4
	tagDimensions    = 5
	tagDimensionsCut = 6

	sourceVar     = 1
	sourceHeaders = 2
)

// appendPayload writes st, which passed check, behind dst. Dimensions that do not fit in MaxPayload, taken in name
// order, are left out with the mark.
func appendPayload(dst []byte, st *Stamp) []byte {
	start := len(dst)
	dst = append(dst, payloadVersion)
	dst = append(dst, st.RequestID[:]...)
	if st.IDSource == IDFromHeaders {
		dst = append(dst, sourceHeaders)
	} else {
		dst = append(dst, sourceVar)
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(st.Time.UnixMilli()))
	dst = append(dst, ms[2:]...)
	dst = append(dst, st.Epoch[:]...)
	dst = binary.BigEndian.AppendUint64(dst, st.Sequence)

	dst = appendText(dst, tagRunner, st.Runner)
	dst = appendText(dst, tagConsumer, st.Consumer)
	dst = appendText(dst, tagIdempotency, st.IdempotencyKey)
	if !st.PreviousEpoch.IsZero() {
		dst = appendFieldHead(dst, tagPrevious, len(st.PreviousEpoch)+8)
		dst = append(dst, st.PreviousEpoch[:]...)
		dst = binary.BigEndian.AppendUint64(dst, st.PreviousLast)
	}
	cut := st.DimensionsCut
	if len(st.Dimensions) > 0 {
		// The mark's place is kept free: it must fit whatever the dimensions took.
		room := MaxPayload - fieldHeadLen - (len(dst) - start)
		var all bool
		dst, all = appendDimensions(dst, st.Dimensions, room)
		cut = cut || !all
	}
	if cut {
		dst = appendFieldHead(dst, tagDimensionsCut, 0)
	}
	return dst
}

// appendDimensions writes the field of the dimensions within room bytes and reports whether all of them are in it. One
// that does not fit, or could not be read back, is left out; smaller ones behind it may still fit.
func appendDimensions(dst []byte, dims map[string]string, room int) (_ []byte, all bool) {
	head := len(dst)
	dst = appendFieldHead(dst, tagDimensions, 0)
	all = true
	for _, name := range slices.Sorted(maps.Keys(dims)) {
		value := dims[name]
		fits := len(dst)-head+dimHeadLen+len(name)+len(value) <= room
		if !fits || name == "" || len(name) > MaxDimensionName || !utf8.ValidString(name) || !utf8.ValidString(value) {
			all = false
			continue
		}
		dst = append(dst, byte(len(name)))
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(value)))
		dst = append(dst, name...)
		dst = append(dst, value...)
	}
	n := len(dst) - head - fieldHeadLen
	if n == 0 {
		return dst[:head], all
	}
	binary.BigEndian.PutUint16(dst[head+1:], uint16(n))
	return dst, all
}

func appendText(dst []byte, tag byte, s string) []byte {
	if s == "" {
		return dst
	}
	return append(appendFieldHead(dst, tag, len(s)), s...)
}

func appendFieldHead(dst []byte, tag byte, length int) []byte {
	return binary.BigEndian.AppendUint16(append(dst, tag), uint16(length))
}
