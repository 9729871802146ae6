package config

import "gateway-billing.internal/shared/billingkey"

// KeySet reads the secrets from keys or keys_file, as the runner reads its own. Without either the set is empty. The
// error shows neither the secrets nor the path, in whose place someone may have put a secret.
func (s Stamp) KeySet() (*billingkey.KeySet, error) {
	return billingkey.ReadKeys(s.Keys.Reveal(), s.KeysFile)
}
