package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/source"
)

// The tag of a time that is past and complete stays, as long as nobody used anything in it; what is added, raised or given back
// shows as another one. What an answer says of a time that goes on has another tag each time.
func TestTagsOfUsage(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64 // Unix ms
	asked.Store(time.Now().UnixMilli())
	s := serve(t, []apitoken.Grant{everything("ops"), {Name: "bob", Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: []string{"bob"}}},
		func(o *api.Options) {
			o.Progress = func(context.Context) (source.Progress, error) {
				return source.Progress{Asked: time.UnixMilli(asked.Load())}, nil
			}
		})
	const past = "/v1/usage?from=2026-11-20"
	s.record(used{new("alice"), "gpt", aDay, 5, "missing"})
	until := func(path string) (time.Time, string) {
		t.Helper()
		a := s.get("ops", path)
		var got usage
		a.into(t, &got)
		return *got.CompleteUntil, a.header.Get("ETag")
	}
	first, tag := until(past)
	_, going := until("/v1/usage?from=today")
	mine := s.get("bob", past).header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || tag == mine {
		t.Errorf("tags %s and %s", tag, mine)
	}
	asked.Add(60_000)
	eventually(t, "time to go by", func() bool {
		now, same := until(past)
		if same != tag {
			t.Fatalf("another tag, and nothing changed: %s", same)
		}
		return now.After(first)
	})
	if _, now := until("/v1/usage?from=today"); now == going {
		t.Error("complete_until of today moved, and the tag did not")
	}
	for header, want := range map[string]int{
		tag: 304, strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"x", ` + tag: 304, ` W/"y" ,` + tag + ` ,"z"`: 304,
		`"x"`: 200, "": 200, tag[:len(tag)-2] + `"`: 200, strings.Trim(strings.TrimPrefix(tag, "W/"), `"`): 200, mine: 200,
	} {
		a := s.get("ops", past, "If-None-Match", header)
		if a.status != want || a.header.Get("ETag") != tag || (want == 304) != (len(a.body) == 0) || a.header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("If-None-Match: %s: %d %v", header, a.status, a.header)
		}
	}
	changed := func(what string) {
		t.Helper()
		a := s.get("ops", past, "If-None-Match", tag)
		if a.status != http.StatusOK || a.header.Get("ETag") == tag {
			t.Errorf("%s: %d, and the tag is the same", what, a.status)
		}
		tag = a.header.Get("ETag")
	}
	s.record(used{new("alice"), "gpt", aDay, 0, ""})
	changed("a record that came late")
	execute(t, s.dsn, "UPDATE usage_delta SET usage_missing = 0, total_tokens = total_tokens + 1 WHERE usage_missing = 1") // as one that is raised
	changed("a record that was raised")
	asked.Store(aDay.UnixMilli())
	eventually(t, "the day to be incomplete", func() bool {
		var got usage
		s.get("ops", past).into(t, &got)
		return !got.Complete
	})
	changed("a day that is not complete any more")
	if a := s.get("bob", past, "If-None-Match", mine); a.status == http.StatusNotModified {
		t.Error("bob's day is not complete any more, and his tag is the same")
	}
}

// Each answer that has a tag says so when it is asked for again, also of a dead letter or a gap, and a redrive never is
// "not modified".
func TestTagsOfTheOthers(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	id := s.record(used{new("alice"), "gpt", aDay, 5, ""})[0]
	for _, path := range []string{"/openapi.yaml", "/v1/records/" + id, "/v1/dead-letters", "/v1/gaps"} {
		a := s.get("ops", path)
		if again := s.get("ops", path, "If-None-Match", a.header.Get("ETag")); a.status != http.StatusOK || again.status != http.StatusNotModified || len(again.body) > 0 {
			t.Errorf("%s: %d, then %d", path, a.status, again.status)
		}
	}
	if a := s.get("ops", "/v1/records", "If-None-Match", "*"); a.status != http.StatusOK || a.header.Get("ETag") != "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the feed: %d %v", a.status, a.header)
	}
	if a := s.ask(http.MethodPost, "ops", "/v1/dead-letters/1/redrive", true, "If-None-Match", "*"); a.status != http.StatusNotFound {
		t.Errorf("a redrive: %d", a.status)
	}
	s.get("ops", "/v1/dead-letters/1", "If-None-Match", "*").problem(t, http.StatusNotFound)
}

// An answer is compressed for who takes it so, and says the same; HEAD has the headers and no answer.
func TestCompressionAndHead(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	var all []used
	for i := range 30 {
		all = append(all, used{new("consumer-" + strings.Repeat("x", i)), "gpt", aDay, int64(i), ""})
	}
	s.record(all...)
	if _, err := s.store.NumberChanges(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/usage?from=2026-11-20&by=consumer", "/openapi.yaml", "/v1/records?limit=30"} {
		ask := func(method, encoding string) answer {
			headers := s.bearer("ops")
			if encoding != "-" {
				headers.Set("Accept-Encoding", encoding)
			}
			return s.raw(method, path, nil, headers)
		}
		plain := ask(http.MethodGet, "-")
		if plain.status != http.StatusOK || plain.header.Get("Content-Encoding") != "" || len(plain.body) < 5000 {
			t.Errorf("%s: %d, %d bytes, %v", path, plain.status, len(plain.body), plain.header)
		}
		for _, encoding := range []string{"identity", "gzip;q=0", "br"} {
			if a := ask(http.MethodGet, encoding); a.status != http.StatusOK || a.header.Get("Content-Encoding") != "" {
				t.Errorf("%s: Accept-Encoding: %s: %d %v", path, encoding, a.status, a.header)
			}
		}
		packed := ask(http.MethodGet, "gzip")
		unzip, err := gzip.NewReader(bytes.NewReader(packed.body))
		if err != nil || packed.header.Get("Content-Encoding") != "gzip" || len(packed.body) > len(plain.body)/2 {
			t.Fatalf("%s: %v, %d bytes, %v", path, err, len(packed.body), packed.header)
		}
		text, err := io.ReadAll(unzip)
		without := func(b []byte) string { // complete_until goes on
			before, rest, _ := strings.Cut(string(b), `"complete_until":"`)
			_, behind, _ := strings.Cut(rest, `"`)
			return before + behind
		}
		if err != nil || without(text) != without(plain.body) || packed.header.Get("ETag") != plain.header.Get("ETag") {
			t.Errorf("%s: compressed it is another answer: %v", path, err)
		}
		for _, a := range []answer{plain, packed} {
			if a.header.Get("Vary") != "Accept-Encoding" || a.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", path, a.header)
			}
		}
		head := ask(http.MethodHead, "-")
		if head.status != http.StatusOK || len(head.body) > 0 || head.header.Get("Content-Type") != plain.header.Get("Content-Type") || head.header.Get("ETag") != plain.header.Get("ETag") {
			t.Errorf("%s: HEAD: %d, %d bytes, %v", path, head.status, len(head.body), head.header)
		}
	}
	if a := s.raw(http.MethodHead, "/v1/usage", nil, s.bearer("ops")); a.status != http.StatusBadRequest || len(a.body) > 0 {
		t.Errorf("HEAD of a wrong question: %d %s", a.status, a.body)
	}
	if a := s.raw(http.MethodHead, "/v1/usage?from=today", nil, nil); a.status != http.StatusUnauthorized {
		t.Errorf("HEAD without a token: %d", a.status)
	}
}
