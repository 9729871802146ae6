package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gateway-billing.internal/shared/billingkey"
)

// KeySet reads the secrets from keys or keys_file, in the form that the runner reads its own. Without either the set
// is empty. The error shows neither the secrets nor the path, in whose place someone may have put a secret.
func (s Stamp) KeySet() (*billingkey.KeySet, error) {
	text := s.Keys.Reveal()
	if s.KeysFile != "" {
		if text != "" {
			return nil, errors.New("only one of stamp.keys and stamp.keys_file can be given")
		}
		content, err := os.ReadFile(s.KeysFile)
		if err != nil {
			if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
				err = pathErr.Err
			}
			return nil, fmt.Errorf("the file can't be read: %w", err)
		}
		text = string(content)
	}
	keys, err := billingkey.ParseKeys(text)
	if err != nil {
		return nil, err
	}
	if keys.Empty() && (s.Keys != "" || s.KeysFile != "") {
		return nil, errors.New("holds no key")
	}
	return keys, nil
}
