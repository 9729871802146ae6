package api_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/apitoken"
)

// What is not there, or can't be asked so, is told as a problem of its own status.
func TestWhatCannotBeAsked(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	for _, path := range []string{
		"/", "/v1", "/v1/", "/v2/usage", "/v1/usage/", "/v1/usage/x", "//v1/usage", "/v1//usage", "/v1/./usage", "/v1/x/../usage", "/v1/x/%2e%2e/usage",
		"/V1/usage", "/v1/dead-letters/1/redrive/", "/v1/dead-letters/1/discard", "/openapi.json", "/metrics", "/debug/pprof/",
	} {
		s.raw(http.MethodGet, path, nil, s.bearer("ops")).problem(t, http.StatusNotFound)
	}
	for _, tt := range []struct{ method, path, allow string }{
		{http.MethodPost, "/v1/usage", "GET"}, {http.MethodDelete, "/v1/dead-letters/1", "GET"}, {http.MethodPut, "/v1/records", "GET"},
		{http.MethodGet, "/v1/dead-letters/1/redrive", "POST"}, {http.MethodHead, "/v1/dead-letters/1/redrive", "POST"},
		{http.MethodOptions, "/v1/gaps", "GET"}, {http.MethodTrace, "/v1/gaps", "GET"}, {"PURGE", "/openapi.yaml", "GET"},
	} {
		a := s.raw(tt.method, tt.path, nil, s.bearer("ops"))
		if tt.method == http.MethodHead {
			if a.status != http.StatusMethodNotAllowed || len(a.body) > 0 {
				t.Errorf("HEAD: %d %s", a.status, a.body)
			}
		} else {
			a.problem(t, http.StatusMethodNotAllowed)
		}
		if got := a.header.Get("Allow"); got != tt.allow {
			t.Errorf("%s %s: Allow: %q", tt.method, tt.path, got)
		}
	}
	for _, accept := range []string{"text/html", "application/xml, text/*;q=0.5", "application/json;q=0", "application/*;q=0", "*/*;q=0.0, application/json;Q=0", "application/json;q=x"} {
		s.wrong("ops", "/v1/usage?from=today", "Accept", accept).problem(t, http.StatusNotAcceptable)
	}
	for _, accept := range []string{"", "*/*", "application/*", "application/json", "Application/JSON; charset=utf-8", "text/html, */*;q=0.1", "text/html;q=1, application/json;q=0.001"} {
		if a := s.wrong("ops", "/v1/usage?from=today", "Accept", accept); a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("Accept: %s: %d %s", accept, a.status, a.header.Get("Content-Type"))
		}
	}
	for path, method := range map[string]string{"/v1/usage?from=today": http.MethodGet, "/v1/dead-letters/1/redrive": http.MethodPost} {
		s.raw(method, path, strings.NewReader("{"), s.bearer("ops")).problem(t, http.StatusBadRequest)
		s.raw(method, path, strings.NewReader(strings.Repeat("x", 2000)), s.bearer("ops")).problem(t, http.StatusRequestEntityTooLarge)
	}
	s.raw(http.MethodGet, "/v1/usage?consumer="+strings.Repeat("x", 9000), nil, s.bearer("ops")).problem(t, http.StatusRequestURITooLong)
	if a := s.raw(http.MethodGet, "/v1/usage", nil, http.Header{"X-Long": {strings.Repeat("x", 40_000)}}); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("large headers: %d", a.status)
	}
}

// A parameter that can't be read, or is not known, is refused by its name, all of them at once, and its value is not repeated.
func TestWrongParameters(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	for query, names := range map[string][]string{
		"":                                                        {"from"},
		"from=":                                                   {"from"},
		"from=yesterday&consumr=HushMark":                         {"consumr"},
		"from=yesterday&From=today":                               {"From"},
		"a=1&b=2&from=HushMark":                                   {"a", "b"},
		"from=HushMark&zone=HushMark/X&by=day":                    {"from", "zone"},
		"from=2026-13-01":                                         {"from"},
		"from=2026-11-24T08:00:00":                                {"from"},
		"from=tomorrow":                                           {"from"},
		"from=yesterday&to=":                                      {"to"},
		"from=yesterday&to=HushMark":                              {"to"},
		"from=today&to=yesterday":                                 {"from"},
		"from=9000-01-01T00:00:00Z":                               {"from"},
		"from=yesterday&from=yesterday":                           {"from"},
		"from=yesterday&zone=UTC&zone=UTC":                        {"zone"},
		"from=yesterday&zone=Local":                               {"zone"},
		"from=yesterday&zone=../etc/passwd":                       {"zone"},
		"from=yesterday&zone=/etc/localtime":                      {"zone"},
		"from=yesterday&zone=" + strings.Repeat("z", 65):          {"zone"},
		"from=yesterday&by=":                                      {"by"},
		"from=yesterday&by=day,":                                  {"by"},
		"from=yesterday&by=HushMark":                              {"by"},
		"from=yesterday&by=day&by=model":                          {"by"},
		"from=yesterday&by=dimension:":                            {"by"},
		"from=yesterday&by=dimension:" + strings.Repeat("n", 191): {"by"},
		"from=yesterday&billable=":                                {"billable"},
		"from=yesterday&billable=yes":                             {"billable"},
		"from=yesterday&billable=true&billable=false":             {"billable"},
		"from=yesterday&dimension=":                               {"dimension"},
		"from=yesterday&dimension=team":                           {"dimension"},
		"from=yesterday&dimension=%3Dx":                           {"dimension"},
		"from=yesterday&dimension=a%3Dx&dimension=a%3Dy":          {"dimension"},
		"from=yesterday&dimension=" + strings.Repeat("a", 1025):   {"dimension"},
		"from=yesterday&consumer=%FF%FEHushMark":                  {"consumer"},
		"from=yesterday&model=" + strings.Repeat("ü", 256):        {"model"},
		"from=yesterday&by=day,hour":                              {"by"},
		"from=yesterday&by=model,model":                           {"by"},
		"from=1969-12-31":                                         {"from"},
		"from=0001-01":                                            {"from"},
		"from=9999-12-31":                                         {"to"},
		"from=9999-12":                                            {"to"},
		"from=9999-12-31&zone=Asia/Tokyo":                         {"to"},
		"from=9999-12-31&zone=America/New_York":                   {"to"},
		"from=1970-01-01&to=9999-12-30&by=day":                    {"by"},
		"from=2026-11-24T08:01:00Z":                               {"from"},
		"from=2026-11-24T08:00:00.001Z":                           {"from"},
		"from=2026-11-24&to=2026-11-25T08:01:00Z":                 {"to"},
		"from=1970-01-01&zone=Africa/Monrovia":                    {"from"},
		"from=1971-12-01T00:00:00Z&to=1972-02-01T00:00:00Z&by=day&zone=Africa/Monrovia": {"zone"},
		"from=yesterday&status=200":            {"status"},
		"from=yesterday&status=2xx&status=0xx": {"status"},
		"from=yesterday&status=2XX":            {"status"},
		"from=yesterday&billable=x&by=y&dimension=z&consumer=" + strings.Repeat("c", 256): {"billable", "by", "consumer", "dimension"},
		"from=yesterday" + strings.Repeat("&route=r", 101):                                {"route"},
		"from=yesterday" + strings.Repeat("&dimension=r%3D1", 17):                         {"dimension"},
	} {
		a := s.raw(http.MethodGet, "/v1/usage?"+query, nil, s.bearer("ops"))
		a.wrongParameters(t, names...)
		if strings.Contains(string(a.body), "HushMark") {
			t.Errorf("%s: repeats the value: %s", query, a.body)
		}
		if t.Failed() {
			t.Fatalf("for %s", query)
		}
	}
	for _, query := range []string{"from=yesterday;consumer=alice", "from=yesterday&consumer=%", "from=yesterday&%zz=1", "from=yesterday&consumer=%u00e4"} {
		a := s.raw(http.MethodGet, "/v1/usage?"+query, nil, s.bearer("ops"))
		a.problem(t, http.StatusBadRequest)
	}
	for _, query := range []string{"from=2026-11-24&status=2xx&status=%3F&status=", "from=2026-11-24&consumer=", "from=2026-11&zone=", "from=1970-01-01&to=9999-12-30&by=month", "from=9999-12-30&zone=Asia/Tokyo&by=hour"} {
		if a := s.raw(http.MethodGet, "/v1/usage?"+query, nil, s.bearer("ops")); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

// A filter finds exactly the names that it has, whatever stands in them: nothing of a query is read as something else.
func TestFiltersAreExact(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	names := []string{"alice", "Alice", "alice ", "ali", "a,b", "a%", "a_", `a\`, `a'"`, "\u00e4", "a\u0308", "A\x00B", "*", "ns/alice", strings.Repeat("x", 255)}
	var all []used
	for i, name := range names {
		all = append(all, used{&name, "gpt", aDay, int64(1) << i, ""})
	}
	s.record(all...)
	for i, name := range names {
		var got usage
		s.get("ops", "/v1/usage?from=2026-11-20&by=consumer&consumer="+url.QueryEscape(name)).into(t, &got)
		if got.Total.Records != 1 || got.Total.TotalTokens != 1<<i || len(got.Rows) != 1 || *got.Rows[0].Group["consumer"] != name {
			t.Errorf("%q: %+v", name, got)
		}
	}
}

func execute(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
