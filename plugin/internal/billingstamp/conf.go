package billingstamp

import (
	"encoding/json"
	"maps"
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
