package redact_test

import (
	"encoding/json"
	"testing"

	"gateway-billing.internal/consumer/internal/redact"
)

func paths(t testing.TB, texts ...string) (all []redact.Path) {
	t.Helper()
	for _, text := range texts {
		p, err := redact.ParsePath(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		all = append(all, p)
	}
	return all
}

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		paths          []string
	}{
		{
			"a member, and what is not there",
			`{"client_ip":"10.0.0.1","route_id":"r"}`, `{"client_ip":"***","route_id":"r"}`, []string{"$.client_ip", "$.none.x"},
		},
		{
			"a whole object, and a member that is repeated",
			`{"a":{"b":1},"c":1,"c":[2]}`, `{"a":"***","c":"***","c":"***"}`, []string{"$.a", "$.c"},
		},
		{
			"elements",
			`{"a":[{"x":1,"y":1},{"x":2,"y":2}],"b":[1,2,3]}`, `{"a":[{"x":"***","y":1},{"x":"***","y":2}],"b":[1,"***",3]}`,
			[]string{"$.a[*].x", "$.b[1]"},
		},
		{
			"into a body that is a document",
			`{"response":{"body":"{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"s3cret\"}}],\"usage\":{\"total_tokens\":3}}"}}`,
			`{"response":{"body":"{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"***\"}}],\"usage\":{\"total_tokens\":3}}"}}`,
			[]string{"$.response.body.choices[*].message.content"},
		},
		{
			"a stream or a cut document is masked as a whole",
			`{"request":{"body":"{\"messages\":[{\"content\":\"s3cr"},"response":{"body":"data: {\"delta\":\"s3cret\"}\n\n"}}`,
			`{"request":{"body":"***"},"response":{"body":"***"}}`,
			[]string{"$.request.body.messages[*].content", "$.response.body.delta"},
		},
		{
			"a body that is a text in quotes",
			`{"request":{"body":"\"s3cret\""}}`, `{"request":{"body":"\"***\""}}`, []string{"$.request.body.messages"},
		},
		{
			"numbers on the way hold nothing", `{"a":7,"b":null}`, `{"a":7,"b":null}`, []string{"$.a.b", "$.b[0]"},
		},
		{
			"names of any form, and built-in names beside",
			`{"a-b":{"c d":"s3cret"},"apikey":"s3cret"}`, `{"a-b":{"c d":"***"},"apikey":"***"}`, []string{`$['a-b']["c d"]`},
		},
	} {
		r := redact.New(redact.Redacted, nil, nil).WithPaths(paths(t, tt.paths...))
		if got := r.Entry(json.RawMessage(tt.in)); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
		if got := r.Entries([]byte("[" + tt.in + "]")); got != "["+tt.want+"]" {
			t.Errorf("%s, in a message:\ngot  %s\nwant [%s]", tt.name, got, tt.want)
		}
	}
}

func TestNoPaths(t *testing.T) {
	for _, text := range []string{"", "$", "a", ".a", "$a", "$.", "$..a", "$.a-b", "$[-1]", "$[x]", "$['a", "$.a b", "$[1234567]"} {
		if _, err := redact.ParsePath(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// Whatever the entry, what is kept is JSON, and what was masked once stays as it is.
func FuzzPaths(f *testing.F) {
	f.Add([]byte(`{"a":"{\"b\":[1,\"x\"]}","c":[{"d":"[\"e\"]"}]}`))
	f.Add([]byte(`["\"\\\"{}\\\"\"",{"a":"\ud800"}]`))
	r := redact.New(redact.Redacted, nil, nil).WithPaths(paths(f, "$.a.b[1]", "$.c[*].d[0]", "$[0].a"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		kept := r.Entry(raw)
		if kept == "" {
			return
		}
		if !json.Valid([]byte(kept)) {
			t.Fatalf("not JSON: %q", kept)
		}
		if again := r.Entry(json.RawMessage(kept)); again != kept {
			t.Fatalf("%q becomes %q", kept, again)
		}
	})
}
