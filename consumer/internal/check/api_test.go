package check_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/check"
)

// The API's files are looked at where it is served, and what is found wrong shows nothing of them.
func TestAPI(t *testing.T) {
	t.Parallel()
	entry := func(scope apitoken.Scope) string {
		lines, err := apitoken.Entry(&apitoken.Grant{Name: "billing", Scopes: []apitoken.Scope{scope}}, apitoken.HashOf("HushMark"))
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	tokens := secretFile(t, "tokens", entry(apitoken.UsageRead), 0o600)
	ca := newAuthority(t)
	cert, key := ca.pair("server")
	old, oldKey := ca.expired("old")
	for name, tt := range map[string]struct {
		environ map[string]string
		want    []want
		fine    []string
	}{
		"off":                   {map[string]string{"TOKENS_FILE": "/no/such"}, nil, nil},
		"on loopback":           {map[string]string{"LISTEN": "127.0.0.1:9465", "TOKENS_FILE": tokens}, nil, []string{"api.tokens", "api.encryption"}},
		"encrypted":             {map[string]string{"LISTEN": ":9465", "TOKENS_FILE": tokens, "CERT_FILE": cert, "KEY_FILE": key}, nil, []string{"api.tokens", "api.encryption"}},
		"not encrypted":         {map[string]string{"LISTEN": ":9465", "TOKENS_FILE": tokens}, []want{{check.Warning, "api.encryption", "others reach", "api.cert_file"}}, nil},
		"by a name":             {map[string]string{"LISTEN": "billing.example:9465", "TOKENS_FILE": tokens}, []want{{check.Warning, "api.encryption", "others reach", "api.cert_file"}}, nil},
		"on it by name":         {map[string]string{"LISTEN": "localhost:9465", "TOKENS_FILE": tokens}, nil, []string{"api.tokens", "api.encryption"}},
		"no file":               {map[string]string{"LISTEN": "127.0.0.1:9465", "TOKENS_FILE": "/no/such"}, []want{{check.Error, "api.tokens", "no such file", "billing-consumer token"}}, nil},
		"a wrong scope":         {map[string]string{"LISTEN": "127.0.0.1:9465", "TOKENS_FILE": secretFile(t, "wrong", entry("HushMark"), 0o600)}, []want{{check.Error, "api.tokens", "[0] scopes: [0] must be", "billing-consumer token"}}, nil},
		"nobody":                {map[string]string{"LISTEN": "127.0.0.1:9465", "TOKENS_FILE": secretFile(t, "none", "[]", 0o600)}, []want{{check.Warning, "api.tokens", "nobody is let in", "billing-consumer token"}}, nil},
		"a file for all":        {map[string]string{"LISTEN": "127.0.0.1:9465", "TOKENS_FILE": secretFile(t, "open", entry(apitoken.GapsRead), 0o644)}, []want{{check.Warning, "secrets.file", "0644", "chmod 600"}}, nil},
		"a key that is none":    {map[string]string{"LISTEN": ":9465", "TOKENS_FILE": tokens, "CERT_FILE": cert, "KEY_FILE": tokens}, []want{{check.Error, "api.encryption", "tls: ", "SIGHUP"}}, nil},
		"another's key":         {map[string]string{"LISTEN": ":9465", "TOKENS_FILE": tokens, "CERT_FILE": cert, "KEY_FILE": oldKey}, []want{{check.Error, "api.encryption", "does not match", "SIGHUP"}}, nil},
		"an old certificate":    {map[string]string{"LISTEN": ":9465", "TOKENS_FILE": tokens, "CERT_FILE": old, "KEY_FILE": oldKey}, []want{{check.Warning, "api.encryption", "expired at", "SIGHUP"}}, nil},
		"no tokens file at all": {map[string]string{"LISTEN": ":9465"}, []want{{check.Error, "configuration", "api.tokens_file", "CONFIG.md"}}, nil},
	} {
		// RocketMQ and the database are left out: their sections are not valid.
		s := &setup{environ: map[string]string{"STAMP_KEYS_FILE": secretFile(t, "keys", keyLine, 0o600)}}
		for n, value := range tt.environ {
			s.environ["API_"+n] = value
		}
		lines := slices.DeleteFunc(s.lines(t), func(l check.Line) bool {
			return l.Check == "configuration" && !strings.Contains(l.Detail, "api.")
		})
		t.Run(name, func(t *testing.T) {
			expect(t, lines, tt.want...)
			expectOK(t, lines, tt.fine...)
			for _, l := range lines {
				if strings.Contains(l.Detail, "HushMark") || name == "off" && strings.HasPrefix(l.Check, "api") {
					t.Errorf("%+v", l)
				}
			}
		})
	}
}

var keyLine = key("k1")

// expired is pair with a certificate that is valid no more.
func (a *authority) expired(name string) (cert, key string) {
	a.t.Helper()
	return a.issue(name, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	})
}
