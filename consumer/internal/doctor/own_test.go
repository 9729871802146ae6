package doctor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"gateway-billing.internal/consumer/internal/doctor"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

const own = "../../../apisix-conf"

// standalone is apisix.yaml as data, by way of JSON so that numbers are alike.
func standalone(t *testing.T) map[string][]map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(own, "apisix.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string][]map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func asJSON(t *testing.T, v any) (out any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The objects of the Admin API are those of the standalone file, one by one.
func TestBothFormsOfTheConfigurationAreTheSame(t *testing.T) {
	seen := 0
	for collection, all := range standalone(t) {
		for _, object := range all {
			name := fmt.Sprint(object["id"])
			if collection == "consumers" {
				name = fmt.Sprint(object["username"])
			} else {
				delete(object, "id")
			}
			text, err := os.ReadFile(filepath.Join(own, "admin-api", collection, name+".json"))
			if err != nil {
				t.Error(err)
				continue
			}
			var other any
			if err := json.Unmarshal(text, &other); err != nil {
				t.Fatalf("%s/%s: %v", collection, name, err)
			}
			if want := asJSON(t, object); !reflect.DeepEqual(other, want) {
				t.Errorf("%s/%s is %v, in apisix.yaml %v", collection, name, other, want)
			}
			seen++
		}
	}
	if seen < 4 {
		t.Errorf("only %d objects", seen)
	}
}

// Every header and variable that the configuration names is the contract's, and what the metadata adds to an entry is
// read from there.
func TestConfigurationKeepsTheContract(t *testing.T) {
	files := []string{"apisix.yaml", "config.yaml", "older/apisix.yaml"}
	known := map[string]bool{}
	for _, name := range []string{billingkey.HeaderRequestID, billingkey.HeaderConsumer, billingkey.HeaderStamp} {
		known[name] = true
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(own, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.FieldsFunc(string(text), func(r rune) bool {
			return !strings.ContainsRune("-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
		}) {
			if strings.HasPrefix(word, "X-Billing-") && !known[word] {
				t.Errorf("%s names the header %s", file, word)
			}
		}
	}
	extra := standalone(t)["plugin_metadata"][0]["log_format_extra"]
	text, err := json.Marshal(map[string]any{"request": map[string]any{}, "response": map[string]any{}, "billing": extra.(map[string]any)["billing"]})
	if err != nil {
		t.Fatal(err)
	}
	values := strings.NewReplacer("$request_id", strings.Repeat("a", 32), "$http_x_billing_stamp", "v1.k.s").Replace(string(text))
	entry, err := logentry.Decode(json.RawMessage(values))
	if err != nil || entry.Billing == nil || entry.Billing.RequestID != strings.Repeat("a", 32) || !slices.Equal(entry.Billing.Stamps, []string{"v1.k.s"}) {
		t.Errorf("of %s is read %+v: %v", values, entry.Billing, err)
	}
	if variable := "$http_" + strings.ReplaceAll(strings.ToLower(billingkey.HeaderStamp), "-", "_"); !strings.Contains(string(text), variable) {
		t.Errorf("the stamp is not %s", variable)
	}
}

// The configuration for older gateways lacks the billing object, which is no error where no request goes unstamped, and is right
// in everything else.
func TestOlderConfiguration(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(own, "older", "apisix.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	site, err := doctor.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got := doctor.Examine(site)
	if len(got) != 1 || got[0].Code != "metadata_no_billing_stamped" || got[0].Severity != doctor.Warning {
		t.Errorf("findings %+v", got)
	}
}

// recorder plays an Admin API that keeps what it gets: no APISIX can be started here.
type recorder struct {
	mu      sync.Mutex
	objects map[string]string
	calls   []string
}

// object is one that it has; "" for none.
func (a *recorder) object(path string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.objects[path]
}

// kept is how many objects it has.
func (a *recorder) kept() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.objects)
}

// called are the calls so far.
func (a *recorder) called() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

func (a *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/apisix/admin/")
	body, _ := io.ReadAll(r.Body)
	a.calls = append(a.calls, r.Method+" "+path)
	switch {
	case r.Header.Get("X-API-KEY") != "s3cret":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"description":"wrong apikey"}`)
	case (r.Method == http.MethodDelete || r.Method == http.MethodGet) && a.objects[path] == "":
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
	case r.Method == http.MethodDelete:
		delete(a.objects, path)
	case !json.Valid(body):
		w.WriteHeader(http.StatusBadRequest)
	default:
		if path == "consumers" {
			path += "/alice"
		}
		if a.objects[path] == "" {
			w.WriteHeader(http.StatusCreated)
		}
		a.objects[path] = string(body)
	}
}

func TestScriptOfTheAdminAPI(t *testing.T) {
	api := &recorder{objects: map[string]string{}}
	server := httptest.NewServer(api)
	defer server.Close()
	script := func(key string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(own, "admin-api.sh"), args...)
		cmd.Env = append(os.Environ(), "ADMIN_URL="+server.URL+"/", "ADMIN_KEY="+key)
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), "s3cret") {
			t.Errorf("the script prints the key: %s", out)
		}
		return string(out), err
	}
	if out, err := script("s3cret", "--dry-run"); err != nil || len(api.called()) != 0 || !strings.Contains(out, "would PUT routes/chat") {
		t.Errorf("a dry run: %v, calls %q, %s", err, api.called(), out)
	}
	for range 2 {
		if out, err := script("s3cret"); err != nil || api.kept() != 4 {
			t.Fatalf("%v, %d objects: %s", err, api.kept(), out)
		}
	}
	if i, j := slices.Index(api.called(), "PUT plugin_configs/billed"), slices.Index(api.called(), "PUT routes/chat"); i < 0 || i > j {
		t.Errorf("the route comes before what it is bound to: %q", api.called())
	}
	// An operator's own routes name the plugin config; the example route is gone then.
	api.mu.Lock()
	chat := api.objects["routes/chat"]
	delete(api.objects, "routes/chat")
	api.mu.Unlock()
	if out, err := script("s3cret", "--global"); err == nil || !strings.Contains(out, "plugin_configs/billed is bound already") || api.object("global_rules/billed") != "" {
		t.Errorf("--global beside a plugin config: %v, %s", err, out)
	}
	api.mu.Lock()
	api.objects["routes/chat"] = chat
	api.mu.Unlock()
	for range 2 {
		if out, err := script("s3cret", "--delete"); err != nil || api.kept() != 0 {
			t.Fatalf("--delete: %v, %d objects are left: %s", err, api.kept(), out)
		}
	}
	if i, j := slices.Index(api.called(), "DELETE routes/chat"), slices.Index(api.called(), "DELETE plugin_configs/billed"); i < 0 || i > j {
		t.Errorf("what the route is bound to goes before it: %q", api.called())
	}
	if out, err := script("s3cret", "--global"); err != nil || api.object("global_rules/billed") == "" || api.object("routes/chat") != "" {
		t.Errorf("--global: %v, %s", err, out)
	}
	if out, err := script("s3cret"); err == nil || !strings.Contains(out, "global_rules/billed is bound already") || api.object("routes/chat") != "" {
		t.Errorf("beside the global rule: %v, %s", err, out)
	}
	if out, err := script("s3cret", "--global", "--delete"); err != nil || api.kept() != 0 {
		t.Errorf("--global --delete: %v, %d objects are left: %s", err, api.kept(), out)
	}
	if out, err := script("other-s3cret2"); err == nil || !strings.Contains(out, "PUT plugin_metadata/rocketmq-logger: 401") || !strings.Contains(out, "wrong apikey") {
		t.Errorf("a wrong key: %v, %s", err, out)
	}
	if out, err := script("s3cret", "--force"); err == nil || !strings.Contains(out, "not an option") {
		t.Errorf("an option that there is not: %v, %s", err, out)
	}
	server.Close()
	if out, err := script("s3cret"); err == nil || !strings.Contains(out, "no answer from") {
		t.Errorf("no Admin API: %v, %s", err, out)
	}
}
