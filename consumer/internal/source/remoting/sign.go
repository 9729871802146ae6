package remoting

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the protocol's signature is HMAC-SHA1
	"encoding/base64"
	"maps"
	"slices"
)

// Credentials sign requests for brokers with access control (ACL 1.0 and 2.0). The zero value signs nothing.
type Credentials struct {
	AccessKey     string
	SecretKey     string
	SecurityToken string
}

// sign adds the access key and the signature: HMAC-SHA1 over the values of all fields in the order of their names, then
// the body.
func (c Credentials) sign(ext map[string]string, body []byte) {
	if c.AccessKey == "" || c.SecretKey == "" {
		return
	}
	ext["AccessKey"] = c.AccessKey
	if c.SecurityToken != "" {
		ext["SecurityToken"] = c.SecurityToken
	}
	mac := hmac.New(sha1.New, []byte(c.SecretKey))
	for _, name := range slices.Sorted(maps.Keys(ext)) {
		mac.Write([]byte(ext[name]))
	}
	mac.Write(body)
	ext["Signature"] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
