package api_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
)

// described is an operation of the document.
type described struct {
	OperationID string `yaml:"operationId"`
	Security    []map[string][]string
	Parameters  []struct {
		Ref      string `yaml:"$ref"`
		Name, In string
	}
	Responses map[string]struct {
		Content map[string]any
	}
}

// describedOperations are those of the document, by method and path, as the server would name them.
func describedOperations(t *testing.T) map[string]api.Operation {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]described
		Components struct {
			Parameters map[string]struct{ Name, In string }
		}
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string]api.Operation{}
	for path, methods := range doc.Paths {
		for method, d := range methods {
			op := api.Operation{ID: d.OperationID, Method: strings.ToUpper(method), Path: path}
			if len(d.Security) > 1 || len(d.Security) == 0 && path != "/openapi.yaml" {
				t.Errorf("%s: security %v", path, d.Security)
			}
			if len(d.Security) == 1 && len(d.Security[0]["token"]) == 1 {
				op.Scope = d.Security[0]["token"][0]
			}
			for _, p := range d.Parameters {
				in, name := p.In, p.Name
				if p.Ref != "" {
					known := doc.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
					in, name = known.In, known.Name
				}
				if in == "query" {
					op.Query = append(op.Query, name)
				}
			}
			for form := range d.Responses["200"].Content {
				op.Forms = append(op.Forms, form)
			}
			if d.Responses["default"].Content == nil && len(d.Responses) < 2 {
				t.Errorf("%s: no problem is described", path)
			}
			all[op.Method+" "+path] = op
		}
	}
	return all
}

// The document describes what is served, and nothing else: operations, scopes, parameters and forms. And each described
// operation answers at its address.
func TestDocument(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	documented := describedOperations(t)
	if len(documented) < 8 {
		t.Fatalf("only %d operations are described", len(documented))
	}
	for _, op := range s.api.Operations() {
		want, ok := documented[op.Method+" "+op.Path]
		if !ok {
			t.Errorf("%s %s is served and not described", op.Method, op.Path)
			continue
		}
		delete(documented, op.Method+" "+op.Path)
		if op.ID != want.ID || op.Scope != want.Scope {
			t.Errorf("%s is described as %s, its scope %q as %q", op.ID, want.ID, op.Scope, want.Scope)
		}
		slices.Sort(op.Query)
		slices.Sort(want.Query)
		if !slices.Equal(op.Query, want.Query) {
			t.Errorf("%s takes %q, described are %q", op.ID, op.Query, want.Query)
		}
		slices.Sort(op.Forms)
		slices.Sort(want.Forms)
		if op.Scope != "" && !slices.Equal(op.Forms, want.Forms) {
			t.Errorf("%s answers as %q, described are %q", op.ID, op.Forms, want.Forms)
		}
		a := s.raw(op.Method, example(op.Path)+"?of_no_operation=1", nil, s.bearer("ops"))
		a.wrongParameters(t, "of_no_operation")
		// Each parameter is known to the operation: with a value that no parameter takes, it is that which is wrong.
		for _, name := range op.Query {
			a := s.raw(op.Method, example(op.Path)+"?"+name+"=%FF", nil, s.bearer("ops"))
			p := a.problem(t, http.StatusBadRequest)
			for _, e := range p.Errors {
				if strings.Contains(e.Detail, "no parameter") {
					t.Errorf("%s does not know %s", op.ID, name)
				}
			}
		}
	}
	for name := range documented {
		t.Errorf("%s is described and not served", name)
	}

	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a := s.get("", "/openapi.yaml")
	if a.status != http.StatusOK || string(a.body) != string(text) || a.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %s", a.status, a.header.Get("Content-Type"))
	}
}

// example is an address of a path.
func example(path string) string {
	if strings.HasPrefix(path, "/v1/records/") {
		return strings.ReplaceAll(path, "{id}", strings.Repeat("0", 32))
	}
	return strings.ReplaceAll(path, "{id}", "1")
}

// What the document calls a moment is one, and nothing else is.
func TestMomentsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas struct {
				Moment struct{ Pattern string } `yaml:"Moment"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	moment := regexp.MustCompile(doc.Components.Schemas.Moment.Pattern)
	s := serve(t, []apitoken.Grant{everything("ops")})
	for at, want := range map[string]int{
		"2026-11-24T08:00:00Z": http.StatusOK, "2026-11-24t08:00:00z": http.StatusOK, "2026-11-24t08:00:00+05:30": http.StatusOK,
		"2026-11-24": http.StatusOK, "2026-11": http.StatusOK, "yesterday": http.StatusOK,
		"2026-11-24 08:00:00Z": http.StatusBadRequest, "YESTERDAY": http.StatusBadRequest, "2026": http.StatusBadRequest,
	} {
		if a := s.raw(http.MethodGet, "/v1/usage?from="+url.QueryEscape(at), nil, s.bearer("ops")); a.status != want || moment.MatchString(at) != (want == http.StatusOK) {
			t.Errorf("%s: %d, matches %t, want %d: %s", at, a.status, moment.MatchString(at), want, a.body)
		}
	}
}
