package billingstamp

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"gateway-billing.internal/shared/billingkey"
)

func TestParseConf(t *testing.T) {
	full := Conf{
		IdentityFrom: billingkey.IDFromHeaders, IdempotencyHeader: "Idempotency-Key",
		Dimensions:    []Dimension{{Name: "project", Var: "arg_project"}, {Name: "tenant", Header: "X-Tenant"}},
		PlainConsumer: false, ResponseHeader: false,
	}
	with := func(change func(*Conf)) Conf {
		c := defaultConf()
		change(&c)
		return c
	}
	for _, tt := range []struct {
		name, conf string
		want       Conf
		problems   string
	}{
		{"empty", "", defaultConf(), ""},
		{"empty object", " {} ", defaultConf(), ""},
		{
			"full", `{"identity_from":"headers","idempotency_header":"idempotency-key",
			"dimensions":{"tenant":"header:x-tenant","project":"var:arg_project"},"plain_consumer":false,"response_header":false}`,
			full, "",
		},
		{"no idempotency header", `{"idempotency_header":""}`, defaultConf(), ""},
		{"not JSON", `{"identity_from":"hea`, defaultConf(), "(all): not a JSON object: the defaults"},
		{"null", "null", defaultConf(), "(all): not a JSON object: the defaults"},
		{"an array", "[]", defaultConf(), "(all): not a JSON object: the defaults"},
		{"more behind it", "{} {}", defaultConf(), "(all): not a JSON object: the defaults"},
		{
			"unknown field", `{"identity_form":"headers","response_header":false}`,
			with(func(c *Conf) { c.ResponseHeader = false }), `"identity_form": not a field of this plugin: nothing`,
		},
		{
			"unknown value, good fields kept", `{"identity_from":"magic","plain_consumer":false}`,
			with(func(c *Conf) { c.PlainConsumer = false }), `identity_from: not "var" or "headers": the default`,
		},
		{
			"wrong types", `{"identity_from":1,"idempotency_header":[],"dimensions":"x","plain_consumer":"false","response_header":null}`,
			defaultConf(),
			`dimensions: not an object of names and sources: the default
idempotency_header: not a header name: the default
identity_from: not "var" or "headers": the default
plain_consumer: not true or false: the default
response_header: not true or false: the default`,
		},
		{"idempotency header with a blank", `{"idempotency_header":"a b"}`, defaultConf(), "idempotency_header: not a header name: the default"},
		{
			"a billing header", `{"idempotency_header":"X_Billing_Consumer"}`, defaultConf(),
			"idempotency_header: a billing header: no client may set it: the default",
		},
		{
			"some dimensions", `{"dimensions":{"a":"header:X-A","b":"X-B","c":"var:","d":"var:a b","e":"header:","f":7,"":"var:x","g h":"var:x","i":"header:x-billing-stamp"}}`,
			with(func(c *Conf) { c.Dimensions = []Dimension{{Name: "a", Header: "X-A"}} }),
			`dimensions."": the name is not 1 to 64 of A-Z a-z 0-9 _ - .: nothing
dimensions."b": not "header:NAME" or "var:NAME": nothing
dimensions."c": the variable is not 1 to 64 of A-Z a-z 0-9 _: nothing
dimensions."d": the variable is not 1 to 64 of A-Z a-z 0-9 _: nothing
dimensions."e": not a header name: nothing
dimensions."f": not "header:NAME" or "var:NAME": nothing
dimensions."g h": the name is not 1 to 64 of A-Z a-z 0-9 _ - .: nothing
dimensions."i": a billing header: no client may set it: nothing`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := parseConf([]byte(tt.conf))
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("configuration %+v\nwant %+v", got, tt.want)
			}
			lines := make([]string, len(problems))
			for i, p := range problems {
				lines[i] = p.field + ": " + p.what + ": " + p.taken
			}
			if all := strings.Join(lines, "\n"); all != tt.problems {
				t.Errorf("problems\n%s\nwant\n%s", all, tt.problems)
			}
		})
	}
}

func TestABadConfigurationIsLoggedWithItsFieldAndStamps(t *testing.T) {
	var log bytes.Buffer
	p := newPlugin(t, sealingKeys(t), &log)
	conf, err := p.ParseConf([]byte(`{"identity_from":"s3cret"}`))
	if err != nil {
		t.Fatalf("ParseConf failed, the runner would skip the plugin: %v", err)
	}
	want := `{"level":"error","plugin":"billing-keys","field":"identity_from","problem":"not \"var\" or \"headers\"",` +
		`"taken":"the default","message":"bad plugin configuration"}` + "\n"
	if log.String() != want {
		t.Errorf("log %s\nwant %s", log.String(), want)
	}
	for _, conf := range []any{conf, nil} {
		r := newRequest(acme)
		p.RequestFilter(conf, nil, r)
		if len(values(r.header.Header, billingkey.HeaderStamp)) != 1 {
			t.Errorf("configuration %v: not stamped", conf)
		}
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add([]byte(`{"identity_from":"headers","dimensions":{"tenant":"header:x-tenant","project":"var:arg_project"}}`))
	f.Add([]byte(`{"plain_consumer":1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, _ := parseConf(in)
		if c.IdentityFrom != billingkey.IDFromVar && c.IdentityFrom != billingkey.IDFromHeaders {
			t.Errorf("identity_from %q", c.IdentityFrom)
		}
		for _, d := range c.Dimensions {
			if d.Name == "" || (d.Header == "") == (d.Var == "") {
				t.Errorf("dimension %+v", d)
			}
		}
	})
}
