package remoting

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"slices"
)

// sign adds the access key and the signature of RocketMQ's ACL: HMAC-SHA1 over the values of all fields, in the order
// of their names, and the body.
func (c Client) sign(request Request) Request {
	if c.AccessKey == "" {
		return request
	}
	fields := maps.Clone(request.Fields)
	if fields == nil {
		fields = make(map[string]string)
	}
	fields["AccessKey"] = c.AccessKey
	mac := hmac.New(sha1.New, []byte(c.SecretKey))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		mac.Write([]byte(fields[name]))
	}
	mac.Write(request.Body)
	fields["Signature"] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	request.Fields = fields
	return request
}
