package billingkey

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// RequestID is APISIX's $request_id: 16 random bytes that nginx makes for each request, 32 hex digits in text.
type RequestID [16]byte

// ParseRequestID reads exactly 32 hex digits (either case). The error never repeats the value.
func ParseRequestID(s string) (RequestID, error) {
	var id RequestID
	if len(s) != 2*len(id) {
		return id, fmt.Errorf("request ID: %d characters, want 32 hex digits", len(s))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return RequestID{}, fmt.Errorf("request ID: not 32 hex digits")
	}
	return id, nil
}

// String is the ID as 32 lower-case hex digits.
func (id RequestID) String() string { return hex.EncodeToString(id[:]) }

// Key is the billing key of a usage record: the request's start time (ms since 1970, 6 bytes, big-endian) and 16 bytes
// of identity. The time in front keeps the ledger's index local. BINARY(22) in the database, 44 lower-case hex digits
// in text.
type Key [22]byte

// maxKeyTime is the first ms that does not fit the 6 bytes of a Key.
const maxKeyTime = int64(1) << 48

// NewKey puts a start time (ms since 1970) before 16 bytes of identity: a request ID, or a fingerprint's first 16
// bytes. It fails when the time is negative or does not fit 6 bytes.
func NewKey(startMS int64, identity [16]byte) (Key, error) {
	var k Key
	if startMS < 0 || startMS >= maxKeyTime {
		return k, fmt.Errorf("start time: %d ms does not fit a billing key", startMS)
	}
	var t [8]byte
	binary.BigEndian.PutUint64(t[:], uint64(startMS))
	copy(k[:6], t[2:])
	copy(k[6:], identity[:])
	return k, nil
}

// String is the key as 44 lower-case hex digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// MarshalText is the key as String gives it.
func (k Key) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// StartMS is the start time in front of the key, ms since 1970.
func (k Key) StartMS() int64 {
	var t [8]byte
	copy(t[2:], k[:6])
	return int64(binary.BigEndian.Uint64(t[:]))
}

// Epoch names one run of a runner: its start (ms since 1970, 6 bytes, big-endian) and 64 random bits. BINARY(14) in
// the database, 28 lower-case hex digits in text.
type Epoch [14]byte

// NewEpoch makes the epoch of a runner that started at start.
func NewEpoch(start time.Time, random uint64) Epoch {
	var e Epoch
	var t [8]byte
	binary.BigEndian.PutUint64(t[:], uint64(start.UnixMilli()))
	copy(e[:6], t[2:])
	binary.BigEndian.PutUint64(e[6:], random)
	return e
}

// String is the epoch as 28 lower-case hex digits.
func (e Epoch) String() string { return hex.EncodeToString(e[:]) }

// Start is when the run began, by the runner's clock (UTC, ms).
func (e Epoch) Start() time.Time {
	var t [8]byte
	copy(t[2:], e[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(t[:]))).UTC()
}

// MarshalText is the epoch as String gives it.
func (e Epoch) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, e[:]), nil }

// IsZero reports whether no epoch is named.
func (e Epoch) IsZero() bool { return e == Epoch{} }
