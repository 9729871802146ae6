package billingstamp

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"gateway-billing.internal/shared/billingkey"
)

// Conf is what one binding of the plugin asks for, in JSON:
//
//	{
//	  "identity_from":      "var",             // or "headers": see identify
//	  "idempotency_header": "Idempotency-Key", // the client header whose value is the idempotency key; none by default
//	  "dimensions":         {"tenant": "header:X-Tenant", "project": "var:arg_project"}, // none by default
//	  "plain_consumer":     true,              // false: no X-Billing-Consumer
//	  "response_header":    true               // false: the client is not told X-Billing-Request-Id
//	}
//
// A dimension has a name of 1 to 64 letters, digits, '_', '-', '.' and is read from a request header (repeated ones
// joined by ", ") or from an nginx variable, one round trip to the gateway each. Where it is absent or empty, so is the
// dimension.
type Conf struct {
	IdentityFrom      billingkey.IDSource
	IdempotencyHeader string
	Dimensions        []Dimension
	PlainConsumer     bool
	ResponseHeader    bool
}

// Dimension is one named value of a stamp. Either Header (in canonical form) or Var is set.
type Dimension struct {
	Name   string
	Header string
	Var    string
}

func defaultConf() Conf {
	return Conf{IdentityFrom: billingkey.IDFromVar, PlainConsumer: true, ResponseHeader: true}
}

// problem is a part of a configuration that was not taken. It holds no value of the configuration.
type problem struct {
	field string
	what  string
	taken string
}

const fallback = "the default"

// parseConf reads a configuration. What is wrong in it gets its default and a problem; what is right is kept.
func parseConf(in []byte) (Conf, []problem) {
	c := defaultConf()
	if strings.TrimSpace(string(in)) == "" {
		return c, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(in, &fields); err != nil || fields == nil {
		return c, []problem{{"(all)", "not a JSON object", "the defaults"}}
	}
	var problems []problem
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		raw := fields[name]
		var what string
		switch name {
		case "identity_from":
			what = readIdentityFrom(raw, &c.IdentityFrom)
		case "idempotency_header":
			what = readHeaderName(raw, &c.IdempotencyHeader)
		case "dimensions":
			var bad []problem
			c.Dimensions, bad = readDimensions(raw)
			problems = append(problems, bad...)
		case "plain_consumer":
			what = readValue(raw, &c.PlainConsumer, "true or false")
		case "response_header":
			what = readValue(raw, &c.ResponseHeader, "true or false")
		default:
			problems = append(problems, problem{shown(name), "not a field of this plugin", "nothing"})
		}
		if what != "" {
			problems = append(problems, problem{name, what, fallback})
		}
	}
	return c, problems
}

// readValue sets v where raw is of its type, and otherwise says what was expected.
func readValue[T any](raw json.RawMessage, v *T, expected string) string {
	var got *T
	if err := json.Unmarshal(raw, &got); err != nil || got == nil {
		return "not " + expected
	}
	*v = *got
	return ""
}

func readIdentityFrom(raw json.RawMessage, v *billingkey.IDSource) string {
	const expected = `"var" or "headers"`
	var got billingkey.IDSource
	if what := readValue(raw, &got, expected); what != "" {
		return what
	}
	if got != billingkey.IDFromVar && got != billingkey.IDFromHeaders {
		return "not " + expected
	}
	*v = got
	return ""
}

func readHeaderName(raw json.RawMessage, v *string) string {
	var got string
	if what := readValue(raw, &got, "a header name"); what != "" {
		return what
	}
	if got == "" {
		return ""
	}
	name, what := headerName(got)
	if what == "" {
		*v = name
	}
	return what
}

func readDimensions(raw json.RawMessage) (dims []Dimension, problems []problem) {
	var sources map[string]json.RawMessage
	if what := readValue(raw, &sources, "an object of names and sources"); what != "" {
		return nil, []problem{{"dimensions", what, fallback}}
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		d, what := readDimension(name, sources[name])
		if what != "" {
			problems = append(problems, problem{"dimensions." + shown(name), what, "nothing"})
			continue
		}
		dims = append(dims, d)
	}
	return dims, problems
}

func readDimension(name string, raw json.RawMessage) (d Dimension, what string) {
	const expected = `"header:NAME" or "var:NAME"`
	if !consistsOf(name, 64, isNameByte) {
		return d, "the name is not 1 to 64 of A-Z a-z 0-9 _ - ."
	}
	var source string
	if what := readValue(raw, &source, expected); what != "" {
		return d, what
	}
	d.Name = name
	kind, of, _ := strings.Cut(source, ":")
	switch kind {
	case "header":
		d.Header, what = headerName(of)
	case "var":
		if d.Var = of; !consistsOf(of, 64, isVarByte) {
			what = "the variable is not 1 to 64 of A-Z a-z 0-9 _"
		}
	default:
		what = "not " + expected
	}
	return d, what
}

func headerName(s string) (canonical, what string) {
	if !consistsOf(s, 128, isHeaderByte) {
		return "", "not a header name"
	}
	if billingkey.IsBillingHeader(s) {
		return "", "a billing header: no client may set it"
	}
	return http.CanonicalHeaderKey(s), ""
}

func consistsOf(s string, limit int, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= limit
}

func isVarByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func isNameByte(c byte) bool { return isVarByte(c) || c == '-' || c == '.' }

// isHeaderByte reports the token characters of RFC 9110, 5.6.2.
func isHeaderByte(c byte) bool { return isNameByte(c) || strings.IndexByte("!#$%&'*+^`|~", c) >= 0 }

// shown is a field's name as a log line shows it: short and in quotes, for the name is what is wrong.
func shown(name string) string { return fmt.Sprintf("%.64q", name) }
