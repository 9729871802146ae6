// Package redact owns what the ledger keeps of a log entry: the whole, nothing, or (the default) the entry without the
// credentials that APISIX logs in clear.
package redact

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"gateway-billing.internal/shared/jsonscan"
)

// Policy says what is kept of an entry.
type Policy string

// The policies.
const (
	Redacted Policy = "redacted"
	Full     Policy = "full"
	None     Policy = "none"
)

// Headers that carry credentials, and query parameters that do. Configuration adds to them, it can't take away.
var (
	builtinHeaders = []string{
		"authorization", "proxy-authorization", "cookie", "set-cookie",
		"apikey", "api-key", "x-api-key", "x-goog-api-key", "x-auth-token", "ocp-apim-subscription-key",
		"x-access-token", "x-id-token", "x-refresh-token", "x-userinfo", "x-rbac-token", "x-amz-security-token",
	}
	builtinQuery = []string{
		"key", "api_key", "apikey", "api-key", "subscription-key", "auth", "password", "secret", "client_secret",
		"token", "access_token", "id_token", "refresh_token", "jwt", "rbac_token",
		"signature", "sig", "x-amz-signature", "x-amz-security-token", "x-amz-credential",
	}
)

// mask stands for a value that was taken out.
const (
	mask   = "***"
	masked = `"` + mask + `"`
)

// Redactor applies a policy. It is safe for concurrent use.
type Redactor struct {
	policy  Policy
	headers map[string]bool
	query   map[string]bool
	paths   []Path
}

// New makes a Redactor; headers and query add names to the built-in lists, in any case.
func New(policy Policy, headers, query []string) *Redactor {
	r := &Redactor{policy: policy, headers: map[string]bool{}, query: map[string]bool{}}
	for _, name := range append(headers, builtinHeaders...) {
		r.headers[headerName(name)] = true
	}
	for _, name := range append(query, builtinQuery...) {
		r.query[strings.ToLower(name)] = true
	}
	return r
}

// headerName folds the ways in which a header is written: case, and _ for - as in nginx's $http_… variables.
func headerName(name string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "http-")
}

// Entry is what is kept of a raw log entry: valid UTF-8, and JSON unless the policy is None (then empty).
func (r *Redactor) Entry(raw json.RawMessage) string {
	switch r.policy {
	case None:
		return ""
	case Full:
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	if !jsonscan.Valid(raw) {
		return "" // what can't be read can't be redacted
	}
	value := jsonscan.Trim(raw)
	if len(r.paths) > 0 {
		value = appendMasked(make([]byte, 0, len(raw)), value, r.paths)
	}
	out := r.append(make([]byte, 0, len(raw)), "", value)
	if !utf8.Valid(out) {
		out = bytes.ToValidUTF8(out, []byte("\uFFFD"))
	}
	return string(out)
}

// Entries is what may be shown of the raw bytes of an entry or of a message of entries, redacted whatever the policy.
// Empty where they are not wholly log entries: what is something else can't be redacted.
func (r *Redactor) Entries(raw []byte) string {
	if !jsonscan.Valid(raw) {
		return ""
	}
	value := jsonscan.Trim(raw)
	switch value[0] {
	case '{':
	case '[':
		for inner := range jsonscan.Elements(value) {
			if inner[0] != '{' {
				return ""
			}
		}
	default:
		return ""
	}
	one := &Redactor{policy: Redacted, headers: r.headers, query: r.query, paths: r.paths}
	if value[0] == '{' || len(r.paths) == 0 {
		return one.Entry(raw)
	}
	// The paths begin at an entry.
	all := []byte{'['}
	for inner := range jsonscan.Elements(value) {
		if len(all) > 1 {
			all = append(all, ',')
		}
		all = append(all, one.Entry(inner)...)
	}
	return string(append(all, ']'))
}

// append appends one JSON value that stands under name, redacted. Text inside a logged body is not looked at.
func (r *Redactor) append(out []byte, name string, value []byte) []byte {
	switch value[0] {
	case '{':
		out = append(out, '{')
		first := true
		for quoted, inner := range jsonscan.Members(value) {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = append(append(out, quoted...), ':')
			member, _ := jsonscan.Text(quoted)
			if r.headers[headerName(member)] || name == "querystring" && r.query[strings.ToLower(member)] {
				out = append(out, masked...)
				continue
			}
			out = r.append(out, member, inner)
		}
		return append(out, '}')
	case '[':
		out = append(out, '[')
		first := true
		for inner := range jsonscan.Elements(value) {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = r.append(out, name, inner)
		}
		return append(out, ']')
	case '"':
		switch name {
		case "uri", "url", "request_uri", "args", "query_string", "referer", "http_referer", "location":
			uri, _ := jsonscan.Text(value)
			if kept := r.URI(uri); kept != uri {
				return appendText(out, kept)
			}
		}
	}
	return append(out, value...)
}

func appendText(out []byte, text string) []byte {
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return append(out, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}

// URI takes the values of credential parameters out of a URI's query (or of a bare query without "?").
func (r *Redactor) URI(uri string) string {
	head, query, found := strings.Cut(uri, "?")
	if !found {
		if strings.HasPrefix(uri, "/") || strings.Contains(uri, "://") {
			return uri // a path, whatever it holds
		}
		head, query = "", uri
	} else {
		head += "?"
	}
	if !strings.Contains(query, "=") {
		return uri
	}
	params := strings.Split(query, "&")
	for i, param := range params {
		name, _, hasValue := strings.Cut(param, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if hasValue && r.query[strings.ToLower(plain)] {
			params[i] = name + "=" + mask
		}
	}
	return head + strings.Join(params, "&")
}
