package billingkey

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// Sealer writes and numbers the stamps of one epoch. It is safe for concurrent use. A process has one: two Sealers of
// one epoch would give the same number twice (their seals would still differ, as each draws a salt of its own).
//
// A nonce never repeats under a key: the key follows from the secret and from the Sealer's 128 random bits of salt, and
// the nonce is the sequence, which the Sealer alone hands out, once each.
type Sealer struct {
	keys    *KeySet
	ciphers map[*stampKey]cipher.AEAD
	epoch   Epoch
	salt    [saltLen]byte
	// last is the last number that was given.
	last *atomic.Uint64
}

// NewSealer prepares the stamps of one epoch. The salt is read from random (crypto/rand.Reader). It fails where random
// does.
func NewSealer(keys *KeySet, epoch Epoch, random io.Reader) (*Sealer, error) {
	s := &Sealer{keys: keys, epoch: epoch, ciphers: make(map[*stampKey]cipher.AEAD, len(keys.keys)), last: new(atomic.Uint64)}
	if _, err := io.ReadFull(random, s.salt[:]); err != nil {
		return nil, fmt.Errorf("stamp salt: %w", err)
	}
	for _, k := range keys.keys {
		aead, err := k.derive(s.salt[:])
		if err != nil {
			return nil, err
		}
		s.ciphers[k] = aead
	}
	return s, nil
}

// CountIn has the stamps numbered by a counter of the caller's, which holds 0: its value is then at any moment at least
// the last number that went out. It must be called before the first Seal.
func (s *Sealer) CountIn(counter *atomic.Uint64) { s.last = counter }

// ErrAllRetired says that every key of the set was retired before the stamp's time.
var ErrAllRetired = errors.New("stamp: all keys are retired")

// Seal writes the text of a stamp: sealed by the first key that is not retired at st.Time, unsealed where the set is
// empty. Epoch and Sequence are the Sealer's own, whatever st says; the rest is the caller's, Runner included.
// Dimensions that do not fit are left out in name order, with the mark. It fails, without taking a number, when another
// part of st is out of its documented bounds or when all keys are retired (ErrAllRetired).
func (s *Sealer) Seal(st Stamp) (string, error) {
	if err := st.check(); err != nil {
		return "", err
	}
	key := s.keys.at(st.Time)
	if key == nil && !s.keys.Empty() {
		return "", ErrAllRetired
	}
	st.Epoch, st.Sequence = s.epoch, s.last.Add(1)

	buf := scratches.Get().(*scratch)
	defer scratches.Put(buf)
	if key == nil {
		return buf.encode(plainPrefix, appendPayload(buf.bytes[:0], &st)), nil
	}
	sealed := append(buf.bytes[:0], s.salt[:]...)
	sealed = append(sealed, 0, 0, 0, 0)
	sealed = binary.BigEndian.AppendUint64(sealed, st.Sequence)
	head := len(sealed)
	sealed = appendPayload(sealed, &st)
	sealed = s.ciphers[key].Seal(sealed[:head], sealed[saltLen:head], sealed[head:], key.prefix)
	return buf.encode(string(key.prefix), sealed), nil
}

// Ready reports whether a stamp of this time could be sealed: ErrAllRetired where it could not.
func (s *Sealer) Ready(t time.Time) error {
	if s.keys.at(t) == nil && !s.keys.Empty() {
		return ErrAllRetired
	}
	return nil
}

func (b *scratch) encode(prefix string, body []byte) string {
	text := append(b.text[:0], prefix...)
	return string(encoding.AppendEncode(text, body))
}
