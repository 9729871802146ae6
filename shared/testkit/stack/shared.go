package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// shared is the stack of this test binary.
var shared struct {
	sync.Mutex
	managed bool // by Main
	stack   *Stack
	err     error
}

// Main runs a package's tests, stops the stack that they shared, if any, and then fails the run when goroutines are left
// (except those that options name). It returns the exit code.
func Main(m *testing.M, options ...goleak.Option) (code int) {
	shared.Lock()
	shared.managed = true
	shared.Unlock()

	code = m.Run()
	shared.Lock()
	defer shared.Unlock()
	var errs []error
	if shared.stack != nil {
		errs = append(errs, shared.stack.Stop())
	}
	if code == 0 {
		errs = append(errs, goleak.Find(options...))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		return max(code, 1)
	}
	return code
}

// Shared returns the stack that all tests of the package use side by side, each with topics and databases of its own:
// what the environment names, else what `make up` left running, else one that the first call starts and Main stops. A
// test must not stop or pause its servers. Like every helper here that starts servers, it skips the test in short mode.
func Shared(t testing.TB) *Stack {
	t.Helper()
	skipShort(t)
	shared.Lock()
	defer shared.Unlock()
	if !shared.managed {
		t.Fatal("stack.Shared: TestMain of the package must call stack.Main, which stops what is started here")
	}
	if shared.stack == nil && shared.err == nil {
		shared.stack, shared.err = startShared()
	}
	if shared.err != nil {
		t.Fatalf("start the shared stack: %v", shared.err)
	}
	return shared.stack
}

// startShared is not bound to the test that happens to come first.
func startShared() (*Stack, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // the first one may have to download
	defer cancel()
	file := StateFile()
	state, err := ReadState(file)
	if err != nil {
		return nil, err
	}
	if state == nil || os.Getenv(KindEnv) != "" || os.Getenv(NameServerEnv) != "" || os.Getenv(DatabaseEnv) != "" {
		return Start(ctx, Options{})
	}
	s := &Stack{}
	if s.RocketMQ, err = externalRocketMQ(ctx, state.NameServers, file); err != nil {
		return nil, err
	}
	if s.Database, err = externalDatabase(ctx, state.DSN, file); err != nil {
		return nil, err
	}
	return s, nil
}

// StartDatabase starts a database server for one test alone, which may hurt it; args are further arguments of the server.
func StartDatabase(t testing.TB, args ...string) *Database {
	t.Helper()
	skipShort(t)
	s := &Stack{}
	s.cleanup(t)
	var err error
	if s.Database, err = s.startPrivateDatabase(t.Context(), "", args); err != nil {
		t.Fatal(err)
	}
	return s.Database
}

// StartRocketMQ starts a name server and a broker for one test alone, which may hurt them.
func StartRocketMQ(t testing.TB, options RocketMQOptions) *RocketMQ {
	t.Helper()
	skipShort(t)
	s := &Stack{}
	s.cleanup(t)
	var err error
	if s.RocketMQ, err = s.startPrivateRocketMQ(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	return s.RocketMQ
}

// skipShort leaves to `go test -short` what needs no server.
func skipShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("short mode: this test needs servers")
	}
}

func (s *Stack) cleanup(t testing.TB) {
	if err := s.makeDir(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
}
