package doctor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gateway-billing.internal/consumer/internal/doctor"
)

// adminAPI plays the Admin API of APISIX 3 for a configuration in the form of apisix.yaml: no APISIX can be started here.
func adminAPI(t *testing.T, text string, enabled []string) *httptest.Server {
	t.Helper()
	var file map[string][]map[string]any
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		path := strings.TrimPrefix(r.URL.Path, "/apisix/admin/")
		switch {
		case r.Header.Get("X-API-KEY") != "s3cret":
			w.WriteHeader(http.StatusUnauthorized)
		case path == "plugins/list":
			json.NewEncoder(w).Encode(enabled)
		case strings.HasPrefix(path, "plugin_metadata/"):
			for _, value := range file["plugin_metadata"] {
				if value["id"] == strings.TrimPrefix(path, "plugin_metadata/") {
					json.NewEncoder(w).Encode(map[string]any{"key": "/apisix/" + path, "value": value})
					return
				}
			}
			w.WriteHeader(http.StatusNotFound)
		default:
			list := []any{}
			for _, value := range file[path] {
				list = append(list, map[string]any{"key": fmt.Sprintf("/apisix/%s/%v", path, value["id"]), "value": value})
			}
			json.NewEncoder(w).Encode(map[string]any{"total": len(list), "list": list})
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestAdminAPIGivesTheSameFindings(t *testing.T) {
	text, err := os.ReadFile("testdata/as-many-write-it.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fromFile, err := doctor.Read(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	server := adminAPI(t, string(text), []string{"key-auth", "rocketmq-logger"})
	fromAPI, err := doctor.Admin{URL: server.URL, Key: "s3cret"}.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a, b := doctor.Examine(fromFile), doctor.Examine(fromAPI); !slices.Equal(a, b) {
		t.Errorf("from the file %+v\nfrom the API %+v", a, b)
	}
	server = adminAPI(t, right, []string{"key-auth", "proxy-rewrite", "rocketmq-logger"})
	if fromAPI, err = (doctor.Admin{URL: server.URL, Key: "s3cret"}).Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := doctor.Examine(fromAPI)
	if len(found) != 1 || found[0].Code != "plugin_not_enabled" || !strings.Contains(found[0].Reason, "ext-plugin-post-req") {
		t.Errorf("findings %+v, want the external plugin that is not enabled", found)
	}
}

func TestAdminAPIThatDoesNotAnswer(t *testing.T) {
	server := adminAPI(t, right, nil)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer page.Close()
	garbage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `["s3cret"`)
	}))
	defer garbage.Close()
	older := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"count":1,"node":{"nodes":[]}}`)
	}))
	defer older.Close()
	proxy := httptest.NewServer(http.NotFoundHandler())
	defer proxy.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked, with the key %q", r.Header.Get("X-API-KEY"))
	}))
	defer elsewhere.Close()
	moved := httptest.NewServer(http.RedirectHandler(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), http.StatusFound))
	defer moved.Close()
	for _, tt := range []struct {
		admin doctor.Admin
		want  string
	}{
		{doctor.Admin{URL: server.URL, Key: "other-s3cret"}, "it refuses the key: 401"},
		{doctor.Admin{URL: "http://user:s3cret@127.0.0.1:1", Key: "s3cret"}, "connection refused"},
		{doctor.Admin{URL: "127.0.0.1:9180"}, "must be like http://"},
		{doctor.Admin{URL: page.URL}, "not JSON"},
		{doctor.Admin{URL: garbage.URL}, "not what an Admin API"},
		{doctor.Admin{URL: older.URL}, "no list of them"},
		{doctor.Admin{URL: proxy.URL}, "no list of them"},
		{doctor.Admin{URL: moved.URL, Key: "s3cret"}, "302"},
	} {
		_, err := tt.admin.Read(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

// Every way in which the configuration that many people write loses or doubles money is named.
func TestAsManyWriteIt(t *testing.T) {
	text, err := os.ReadFile("testdata/as-many-write-it.yaml")
	if err != nil {
		t.Fatal(err)
	}
	site, err := doctor.Read(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range doctor.Examine(site) {
		fmt.Fprintf(&got, "%s %s | %s | %s\n", f.Severity, f.Code, f.Object, f.Reason)
	}
	const golden = "testdata/as-many-write-it.findings"
	if os.Getenv("UPDATE_FINDINGS") != "" {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("findings:\n%s", got.String())
	}
}

// The project's own configuration has nothing to be found, as a file and as the objects of the Admin API.
func TestOwnConfigurationHasNoFinding(t *testing.T) {
	text, err := os.ReadFile("../../../apisix-conf/apisix.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := codesOf(t, string(text)); len(got) != 0 {
		t.Errorf("apisix.yaml: findings %q", got)
	}
	if got := codesOf(t, objects(t, "global_rules")); len(got) != 0 {
		t.Errorf("objects of the Admin API: findings %q", got)
	}
	// The global rule in place of the plugin config, with a route of the operator's own.
	global := strings.Replace(objects(t, "plugin_configs", "routes"), `{"`, `{"routes":[{"id":"own","uri":"/api/*","plugins":{"key-auth":{"hide_credentials":true}}}],"`, 1)
	if got := codesOf(t, global); len(got) != 0 {
		t.Errorf("the global rule: findings %q in %s", got, global)
	}
}

// objects are those of admin-api/ in one document, but for some collections.
func objects(t *testing.T, without ...string) string {
	t.Helper()
	files, err := filepath.Glob("../../../apisix-conf/admin-api/*/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d objects: %v", len(files), err)
	}
	all := map[string][]map[string]any{}
	for _, file := range files {
		collection, name := filepath.Base(filepath.Dir(file)), strings.TrimSuffix(filepath.Base(file), ".json")
		if slices.Contains(without, collection) {
			continue // plugin config and global rule are two ways to the same: together they are bound twice
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if collection != "consumers" {
			object["id"] = name
		}
		all[collection] = append(all[collection], object)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
