package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// raw asks with headers as they are, and holds nothing against the document: for what it does not know.
func (s *server) raw(method, path string, body io.Reader, headers http.Header) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.URL.Opaque = path // as it is, not as Go would write it
	if headers != nil {
		r.Header = headers
	}
	got, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, text}
}

// bearer is the header of who has a token.
func (s *server) bearer(who string) http.Header {
	return http.Header{"Authorization": {"Bearer " + s.tokens[who]}}
}

type problem struct {
	Type, Title, Detail string
	Status              int
	Errors              []struct{ Parameter, Detail string }
}

// problem checks that an answer is a problem (RFC 9457) of this status, and gives it.
func (a answer) problem(t testing.TB, status int) (p problem) {
	t.Helper()
	kind := a.header.Get("Content-Type")
	if err := json.Unmarshal(a.body, &p); err != nil || a.status != status || p.Status != status || kind != "application/problem+json" || p.Title == "" || p.Detail == "" || p.Type == "" {
		t.Errorf("%d %s %v: %s, want a problem of %d", a.status, kind, err, a.body, status)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Etag") != "" {
		t.Errorf("a problem that may be kept: %v", a.header)
	}
	return p
}

// wrongParameters checks that an answer refuses just these parameters, by name.
func (a answer) wrongParameters(t testing.TB, names ...string) {
	t.Helper()
	p := a.problem(t, http.StatusBadRequest)
	var got []string
	for _, e := range p.Errors {
		got = append(got, e.Parameter)
		if e.Detail == "" {
			t.Errorf("%s is wrong without a reason", e.Parameter)
		}
	}
	if slices.Sort(got); p.Type != "/problems/invalid-parameters" || !slices.Equal(slices.Compact(got), names) {
		t.Errorf("%s refuses %q, want %q", p.Type, got, names)
	}
	if len(names) > 0 && !strings.Contains(p.Detail, p.Errors[0].Parameter) {
		t.Errorf("the detail names nothing: %s", p.Detail)
	}
}
