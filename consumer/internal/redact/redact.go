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

// Entry is what is kept of a raw log entry, which must be valid JSON: valid UTF-8, and JSON unless the policy is None (then
// empty).
func (r *Redactor) Entry(raw json.RawMessage) string {
	switch r.policy {
	case None:
		return ""
	case Full:
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	value := jsonscan.Trim(raw)
	if len(r.paths) > 0 {
		value = appendMasked(make([]byte, 0, len(value)), value, r.paths)
	}
	e := editor{Redactor: r, value: value}
	e.walk(nil, value)
	out := e.finish()
	if !utf8.ValidString(out) {
		out = strings.ToValidUTF8(out, "\uFFFD")
	}
	return out
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

// editor copies a value with some of its parts replaced. What stays is copied in long stretches.
type editor struct {
	*Redactor
	value []byte
	out   strings.Builder
	// copied is how far value stands in out.
	copied int
}

// replace puts other bytes in the place of a part of the value.
func (e *editor) replace(part []byte, by string) {
	if e.out.Cap() == 0 {
		e.out.Grow(len(e.value) + 16)
	}
	// part is a slice of value, so their capacities tell how far apart they begin.
	from := cap(e.value) - cap(part)
	e.out.Write(e.value[e.copied:from])
	e.out.WriteString(by)
	e.copied = from + len(part)
}

func (e *editor) finish() string {
	e.out.Write(e.value[e.copied:])
	return e.out.String()
}

// walk redacts one JSON value that stands under name. Text inside a logged body is not looked at.
func (e *editor) walk(name, value []byte) {
	switch value[0] {
	case '{':
		for quoted, inner := range jsonscan.Members(value) {
			member := quoted[1 : len(quoted)-1]
			if bytes.IndexByte(member, '\\') >= 0 {
				text, _ := jsonscan.Text(quoted)
				member = []byte(text)
			}
			if e.secretHeader(member) || string(name) == "querystring" && e.query[strings.ToLower(string(member))] {
				e.replace(inner, masked)
				continue
			}
			e.walk(member, inner)
		}
	case '[':
		for inner := range jsonscan.Elements(value) {
			e.walk(name, inner)
		}
	case '"':
		switch string(name) {
		case "uri", "url", "request_uri", "args", "query_string", "referer", "http_referer", "location":
			uri, _ := jsonscan.Text(value)
			if kept := e.URI(uri); kept != uri {
				e.replace(value, string(appendText(nil, kept)))
			}
		}
	}
}

// longestFolded is longer than any header that is compared without an allocation.
const longestFolded = 64

// secretHeader is r.headers[headerName(name)], which allocates nothing for a name of an ordinary header.
func (r *Redactor) secretHeader(name []byte) bool {
	if len(name) > longestFolded {
		return r.headers[headerName(string(name))]
	}
	var folded [longestFolded]byte
	for i, c := range name {
		switch {
		case c >= utf8.RuneSelf:
			return r.headers[headerName(string(name))]
		case c == '_':
			c = '-'
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		folded[i] = c
	}
	return r.headers[string(bytes.TrimPrefix(folded[:len(name)], []byte("http-")))]
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
