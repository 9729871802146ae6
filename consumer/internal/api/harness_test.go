package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/stack"
)

// server is an API over a ledger of its own.
type server struct {
	t      testing.TB
	url    string
	dsn    string
	store  *ledger.Store
	writer *ledger.Writer
	api    *api.Server
	// tokens are by the name of who has them.
	tokens map[string]string
}

// serve starts an API with a token for each grant.
func serve(t testing.TB, grants []apitoken.Grant, change ...func(*api.Options)) *server {
	t.Helper()
	return serveOn(t, stack.Shared(t).Database.NewDatabase(t), grants, change...)
}

// serveOn is serve on a database of the test's own.
func serveOn(t testing.TB, dsn string, grants []apitoken.Grant, change ...func(*api.Options)) *server {
	t.Helper()
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, dsn: dsn, tokens: map[string]string{}}
	var err error
	if s.store, err = ledger.Open(ledger.Options{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	s.writer = s.store.NewWriter()
	var file strings.Builder
	for _, g := range grants {
		s.tokens[g.Name] = apitoken.New()
		lines, err := apitoken.Entry(&g, apitoken.HashOf(s.tokens[g.Name]))
		if err != nil {
			t.Fatal(err)
		}
		file.WriteString(lines)
	}
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := apitoken.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	options := api.Options{
		Address: "127.0.0.1:0", Store: s.store, LogDelay: time.Second, RequestsPerSecond: 10_000, QueryLimit: 20 * time.Second,
		Progress: func(context.Context) (source.Progress, error) { return source.Progress{Asked: time.Now()}, nil },
		Redrive:  func(*deadletter.Letter) record.Unit { return record.Unit{} },
		Registry: prometheus.NewRegistry(), Log: zerolog.New(zerolog.NewTestWriter(t)),
	}
	for _, c := range change {
		c(&options)
	}
	if s.api, err = api.Listen(options, tokens); err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + s.api.Address()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.api.Serve(ctx) }()
	t.Cleanup(func() {
		client.CloseIdleConnections()
		stop()
		if err := errors.Join(<-ended, s.writer.Close(context.Background()), s.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client leaves compression alone: what is compressed can be seen.
var client = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// everything is a grant of all scopes.
func everything(name string) apitoken.Grant {
	return apitoken.Grant{Name: name, Scopes: apitoken.Scopes()}
}

// answer is what came back, and was held against the document.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// into decodes the answer.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// get asks as the holder of a token ("" for none), with headers as name, value, and holds question and answer against the
// document.
func (s *server) get(who, path string, headers ...string) answer {
	s.t.Helper()
	return s.ask(http.MethodGet, who, path, true, headers...)
}

// wrong asks for what the document does not allow; only the answer is held against it.
func (s *server) wrong(who, path string, headers ...string) answer {
	s.t.Helper()
	return s.ask(http.MethodGet, who, path, false, headers...)
}

// question is a request as the holder of a token.
func (s *server) question(method, who, path string, headers ...string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[who])
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (s *server) ask(method, who, path string, right bool, headers ...string) answer {
	s.t.Helper()
	r := s.question(method, who, path, headers...)
	got, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = got.Body.Close()
	if got.Header.Get("Content-Encoding") == "gzip" {
		unzip, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			s.t.Fatal(err)
		}
		if body, err = io.ReadAll(unzip); err != nil {
			s.t.Fatal(err)
		}
	}
	a := answer{got.StatusCode, got.Header, body}
	if strings.HasPrefix(path, "/v1/") || path == "/openapi.yaml" {
		s.hold(r, a, right)
	}
	return a
}

var document = sync.OnceValue(func() validator.Validator {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		panic(err)
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		panic(err)
	}
	v, errs := validator.NewValidator(doc)
	if errs != nil {
		panic(errors.Join(errs...))
	}
	return v
})

// hold holds a request and its answer against the document.
func (s *server) hold(r *http.Request, a answer, right bool) {
	s.t.Helper()
	if right {
		if ok, errs := document().ValidateHttpRequestSync(r); !ok {
			for _, e := range errs {
				s.t.Errorf("%s %s is not as the document says: %v", r.Method, r.URL, e)
			}
		}
	}
	kind := a.header.Get("Content-Type")
	if a.status == http.StatusNotModified || kind == "application/x-ndjson" || kind == "application/yaml" {
		return
	}
	response := &http.Response{StatusCode: a.status, Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}
	response.Header.Del("Content-Encoding")
	if ok, errs := document().ValidateHttpResponse(r, response); !ok {
		for _, e := range errs {
			s.t.Errorf("the answer to %s %s is not as the document says: %v %+v\n%.2000s", r.Method, r.URL, e, e.SchemaValidationErrors, a.body)
		}
	}
}

// used is one request.
type used struct {
	consumer *string
	model    string
	at       time.Time
	tokens   int64
	state    record.UsageState
}

// record commits requests, and gives their records' IDs.
func (s *server) record(all ...used) (ids []string) {
	s.t.Helper()
	var unit record.Unit
	for i, u := range all {
		var id [16]byte
		rand.Read(id[:])
		key, err := billingkey.NewKey(u.at.UnixMilli(), id)
		if err != nil {
			s.t.Fatal(err)
		}
		ids = append(ids, billingkey.RequestID(id).String())
		if u.state == "" {
			u.state = record.UsageExact
		}
		unit.Records = append(unit.Records, record.Record{
			Origin: record.Origin{Topic: "gateway-log", MsgID: "m1", Broker: "b", Queue: 3, Offset: 42}, EntryIndex: i, Key: key,
			KeySource: record.KeyFromGateway, KeyState: billingkey.Verified, FingerprintKey: key, RequestID: &ids[i],
			Consumer: u.consumer, RouteID: new("chat"), Status: new(200), RequestTime: u.at.UTC().Truncate(time.Millisecond), Billable: true,
			BillableReason: "success", Body: "{}", URI: new("/v1/chat"),
			Usage: record.Usage{State: u.state, Source: record.UsageFromBody, PromptTokens: u.tokens, TotalTokens: u.tokens, Model: &u.model},
		})
	}
	if _, err := s.writer.Commit(s.t.Context(), unit); err != nil {
		s.t.Fatal(err)
	}
	return ids
}
