package billingkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"time"
)

const (
	saltLen = 16
	// sealInfo parts the keys of stamps from any other use of the same secret.
	sealInfo = "billing-stamp v1"
)

// KeySet holds the secrets that seal and open stamps, in their order: the first that is not retired seals, all open. It
// does not change and is safe for concurrent use. It never prints its secrets.
type KeySet struct {
	keys    []*stampKey
	byID    map[string]*stampKey
	ciphers *cipherCache
}

// stampKey is one secret of a set. notAfter is zero for a key that is not retired.
type stampKey struct {
	id       string
	secret   []byte
	notAfter time.Time
	// prefix is "v1.<kid>.", the beginning of each stamp of this key and what its seal covers beside the payload.
	prefix []byte
}

// String names the key IDs and nothing else, so that a set in a log line shows no secret.
func (s *KeySet) String() string { return fmt.Sprintf("stamp keys %v", s.IDs()) }

// IDs are the ids of the keys, in their order.
func (s *KeySet) IDs() []string {
	ids := make([]string, len(s.keys))
	for i, k := range s.keys {
		ids[i] = k.id
	}
	return ids
}

// GoString is String, for %#v.
func (s *KeySet) GoString() string { return s.String() }

// Empty reports whether the set holds no key: stamps are then made, and can be read, unsealed only.
func (s *KeySet) Empty() bool { return len(s.keys) == 0 }

// at gives the key that seals at t, nil when all are retired by then.
func (s *KeySet) at(t time.Time) *stampKey {
	for _, k := range s.keys {
		if k.holdsAt(t) {
			return k
		}
	}
	return nil
}

func (k *stampKey) holdsAt(t time.Time) bool { return k.notAfter.IsZero() || !t.After(k.notAfter) }

// derive makes the AES-256-GCM cipher of one salt.
func (k *stampKey) derive(salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, k.secret, salt, sealInfo, 32)
	if err != nil {
		return nil, fmt.Errorf("stamp key %s: derive: %w", k.id, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("stamp key %s: %w", k.id, err)
	}
	return cipher.NewGCM(block)
}
