package billingkey

import (
	"crypto/cipher"
	"encoding/base64"
	"strings"
	"sync"
)

// The text of a stamp is "v1.<kid>.<sealed>" or, without a secret, "v0.<payload>", both in base64url without padding.
// Sealed is the salt of the epoch (16 bytes), the nonce (12 bytes, the sequence, big-endian) and the AES-256-GCM
// ciphertext with its tag (16 bytes), under the key HKDF-SHA256(secret, salt, "billing-stamp v1"), with "v1.<kid>." as
// additional data. A stamp has exactly one text.
const (
	sealedPrefix = "v1."
	plainPrefix  = "v0."

	nonceLen  = 12
	tagLen    = 16
	maxSealed = saltLen + nonceLen + MaxPayload + tagLen
	maxText   = len(sealedPrefix) + maxKeyID + len(".") + (maxSealed*8+5)/6
)

var encoding = base64.RawURLEncoding.Strict()

// scratch is the work space of one Open or Seal. The ciphers take their arguments through an interface, so it would be
// allocated anew for each stamp.
type scratch struct {
	text  [maxText]byte
	bytes [maxSealed]byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Open reads the text of a stamp. The state is Verified for one that its key opened, Unsealed for one without a seal
// (whether to believe it is the caller's rule), and otherwise why there is none: Malformed, UnknownKey, Forged (it does
// not open under the key it names) or Retired (made after its key's not_after); the stamp is then zero. The text may be
// any bytes of any length.
func (s *KeySet) Open(value string) (st Stamp, state State) {
	if len(value) > maxText {
		return Stamp{}, Malformed
	}
	buf := scratches.Get().(*scratch)
	defer scratches.Put(buf)

	if body, ok := strings.CutPrefix(value, plainPrefix); ok {
		payload, ok := buf.decode(body)
		if !ok {
			return Stamp{}, Malformed
		}
		if st, ok = readPayload(payload); !ok {
			return Stamp{}, Malformed
		}
		return st, Unsealed
	}
	rest, ok := strings.CutPrefix(value, sealedPrefix)
	if !ok {
		return Stamp{}, Malformed
	}
	id, body, ok := strings.Cut(rest, ".")
	if !ok || !isKeyID(id) {
		return Stamp{}, Malformed
	}
	sealed, ok := buf.decode(body)
	if !ok || len(sealed) < saltLen+nonceLen+fixedLen+tagLen {
		return Stamp{}, Malformed
	}
	key := s.byID[id]
	if key == nil {
		return Stamp{}, UnknownKey
	}
	payload, ok := s.unseal(key, sealed)
	if !ok {
		return Stamp{}, Forged
	}
	if st, ok = readPayload(payload); !ok {
		return Stamp{}, Malformed
	}
	if !key.holdsAt(st.Time) {
		return Stamp{}, Retired
	}
	return st, Verified
}

// unseal opens sealed in place.
func (s *KeySet) unseal(key *stampKey, sealed []byte) (payload []byte, ok bool) {
	id := cipherID{key: key, salt: [saltLen]byte(sealed)}
	aead, cached := s.ciphers.get(id)
	if !cached {
		var err error
		if aead, err = key.derive(id.salt[:]); err != nil {
			return nil, false
		}
	}
	payload, err := openInPlace(aead, sealed[saltLen:], key.prefix)
	if err != nil {
		return nil, false
	}
	if !cached {
		s.ciphers.put(id, aead)
	}
	return payload, true
}

func openInPlace(aead cipher.AEAD, sealed, covered []byte) ([]byte, error) {
	nonce, text := sealed[:nonceLen], sealed[nonceLen:]
	return aead.Open(text[:0], nonce, text, covered)
}

// decode reads base64url without padding into the scratch. It refuses the line breaks that the decoder would skip and
// the spare bits that it would drop: either would give one stamp a second text.
func (b *scratch) decode(body string) ([]byte, bool) {
	if strings.ContainsAny(body, "\r\n") || encoding.DecodedLen(len(body)) > len(b.bytes) {
		return nil, false
	}
	n, err := encoding.Decode(b.bytes[:], b.text[:copy(b.text[:], body)])
	return b.bytes[:n], err == nil
}
