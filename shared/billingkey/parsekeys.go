package billingkey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// The environment variables that LoadKeys reads.
const (
	EnvKeys     = "BILLING_STAMP_KEYS"
	EnvKeysFile = "BILLING_STAMP_KEYS_FILE"
)

const (
	maxKeyID = 32
	// minSecret is the strength of AES-256. A shorter secret would be the weakest part of the seal.
	minSecret = 32
)

// LoadKeys reads the key set from the variable BILLING_STAMP_KEYS or from the file that BILLING_STAMP_KEYS_FILE names.
// With neither the set is empty. Its errors hold neither the variables' values nor the file's content.
func LoadKeys(getenv func(string) string) (*KeySet, error) {
	text, path := getenv(EnvKeys), getenv(EnvKeysFile)
	name := EnvKeys
	switch {
	case text != "" && path != "":
		return nil, fmt.Errorf("%s and %s are both set: keep one", EnvKeys, EnvKeysFile)
	case path != "":
		name = EnvKeysFile
	}
	keys, err := ReadKeys(text, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return keys, nil
}

// ReadKeys reads the key set from text, or from the file at path, whichever is not empty; both are an error. With
// neither the set is empty, but what is given must hold a key. The error shows neither secrets nor the path.
func ReadKeys(text, path string) (*KeySet, error) {
	given := text != "" || path != ""
	if path != "" {
		if text != "" {
			return nil, errors.New("keys and a file of keys are both given: keep one")
		}
		content, err := os.ReadFile(path)
		if err != nil {
			// Without the path: someone may have put the keys themselves in its place.
			if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
				err = pathErr.Err
			}
			return nil, fmt.Errorf("the file can't be read: %w", err)
		}
		text = string(content)
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, err
	}
	if given && keys.Empty() {
		return nil, errors.New("set, but holds no key")
	}
	return keys, nil
}

// ParseKeys reads a key set: items separated by commas or new lines, each
//
//	kid:secret[@not_after]
//
// where kid is 1 to 32 of A–Z a–z 0–9 _ -, secret at least 32 bytes in standard base64 with padding (as "openssl rand
// -base64 32" prints it), and not_after the RFC 3339 time up to which a retired key still verifies. Blanks around an
// item do not matter, and # begins a comment up to the end of the line. All that is wrong is said at once, by line,
// place in the line and kid, never with the secret.
func ParseKeys(text string) (*KeySet, error) {
	s := &KeySet{byID: make(map[string]*stampKey), ciphers: newCipherCache()}
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for j, item := range strings.Split(line, ",") {
			item = strings.TrimSpace(item)
			if item == "" {
				continue
			}
			k, err := parseKey(item)
			if err == nil {
				err = s.add(k)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("line %d, item %d: %w", i+1, j+1, err))
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

func (s *KeySet) add(k *stampKey) error {
	if s.byID[k.id] != nil {
		return fmt.Errorf("key %s: stands twice", k.id)
	}
	for _, other := range s.keys {
		if bytes.Equal(other.secret, k.secret) {
			return fmt.Errorf("key %s: the secret of key %s once more", k.id, other.id)
		}
	}
	s.keys = append(s.keys, k)
	s.byID[k.id] = k
	return nil
}

func parseKey(item string) (*stampKey, error) {
	id, rest, ok := strings.Cut(item, ":")
	if !ok {
		return nil, errors.New("not of the form kid:secret")
	}
	// The wrong ID is not shown: it may well be a secret in the wrong place.
	if id = strings.TrimSpace(id); !isKeyID(id) {
		return nil, errors.New("key ID: not 1 to 32 of A-Z a-z 0-9 _ -")
	}
	encoded, notAfter, retired := strings.Cut(rest, "@")
	secret, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, fmt.Errorf("key %s: the secret is not standard base64 with padding", id)
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("key %s: the secret has %d bytes, at least %d are needed", id, len(secret), minSecret)
	}
	k := &stampKey{id: id, secret: secret, prefix: []byte(sealedPrefix + id + ".")}
	if retired {
		if k.notAfter, err = time.Parse(time.RFC3339, strings.TrimSpace(notAfter)); err != nil {
			return nil, fmt.Errorf("key %s: not_after is not an RFC 3339 time", id)
		}
	}
	return k, nil
}

func isKeyID(s string) bool {
	if s == "" || len(s) > maxKeyID {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
