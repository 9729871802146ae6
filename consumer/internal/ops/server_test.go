package ops_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"gateway-billing.internal/consumer/internal/ops"
)

func TestMain(m *testing.M) {
	// The RocketMQ client starts this one when its package is loaded.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/patrickmn/go-cache.(*janitor).Run"))
}

// serve runs a server for the length of the test and returns its address.
func serve(t *testing.T, registry *prometheus.Registry, notReady func() []string, adapt ...func(*ops.Server)) string {
	t.Helper()
	server, err := ops.Listen("127.0.0.1:0", registry, notReady, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range adapt {
		f(server)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(ctx); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	return "http://" + server.Address()
}

// ask sends a request and returns status and body.
func ask(t *testing.T, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestReadyFollowsTheReasons(t *testing.T) {
	var mu sync.Mutex
	reasons := []string{"the database does not answer", "no route to topic logs"}
	address := serve(t, prometheus.NewRegistry(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return reasons
	})
	want := `{"ready":false,"reasons":["the database does not answer","no route to topic logs"]}` + "\n"
	if code, body := ask(t, "GET", address+"/readyz"); code != http.StatusServiceUnavailable || body != want {
		t.Errorf("not ready: %d %s", code, body)
	}
	if code, body := ask(t, "GET", address+"/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("a consumer that is not ready is alive all the same: %d %s", code, body)
	}
	mu.Lock()
	reasons = nil
	mu.Unlock()
	if code, body := ask(t, "GET", address+"/readyz"); code != http.StatusOK || body != `{"ready":true,"reasons":[]}`+"\n" {
		t.Errorf("ready: %d %s", code, body)
	}
}

func TestServesTheRegistryAndNothingElse(t *testing.T) {
	registry := prometheus.NewRegistry()
	ops.NewMetrics(registry)
	address := serve(t, registry, func() []string { return nil })
	if code, body := ask(t, "GET", address+"/metrics"); code != http.StatusOK || !strings.Contains(body, "billing_build_info{") {
		t.Errorf("%d %s", code, body)
	}
	for _, path := range []string{"/", "/debug/pprof/", "/metrics/x"} {
		if code, _ := ask(t, "GET", address+path); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code, _ := ask(t, "POST", address+"/readyz"); code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", code)
	}
}

func TestProfilesWhereTheyAreAskedFor(t *testing.T) {
	address := serve(t, prometheus.NewRegistry(), nil, (*ops.Server).ServeProfiles)
	for path, want := range map[string]string{
		"/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "ops_test", "/debug/pprof/trace?seconds=0.01": "go 1",
	} {
		if code, body := ask(t, "GET", address+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, want %q in %.200q", path, code, want, body)
		}
	}
	if code, _ := ask(t, "GET", address+"/debug/pprof/cmdline"); code != http.StatusNotFound {
		t.Errorf("the command line: %d", code)
	}
}

func TestListenNamesTheFieldOfAnAddressThatIsTaken(t *testing.T) {
	address := strings.TrimPrefix(serve(t, prometheus.NewRegistry(), nil), "http://")
	_, err := ops.Listen(address, prometheus.NewRegistry(), nil, zerolog.Nop())
	if err == nil || !strings.HasPrefix(err.Error(), "http.listen: listen tcp "+address) {
		t.Errorf("got %v", err)
	}
}

// A request that is being answered when the process stops gets its answer; new ones are refused.
func TestFinishesWhatItAnswers(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	server, err := ops.Listen("127.0.0.1:0", prometheus.NewRegistry(), func() []string {
		close(asked)
		<-answer
		return nil
	}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(ctx); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	running.Go(func() {
		if code, _ := ask(t, "GET", "http://"+server.Address()+"/readyz"); code != http.StatusOK {
			t.Errorf("the request in flight got %d", code)
		}
	})
	<-asked
	cancel()
	for refused := false; !refused; {
		conn, err := net.Dial("tcp", server.Address())
		if refused = err != nil; !refused {
			conn.Close()
		}
	}
	close(answer)
	running.Wait()
	http.DefaultClient.CloseIdleConnections()
}
