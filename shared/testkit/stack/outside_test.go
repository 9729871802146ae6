package stack_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gateway-billing.internal/shared/testkit/stack"
)

func TestServersFromOutside(t *testing.T) {
	shared := stack.Shared(t)
	tempDir := alone(t)
	for _, variable := range shared.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	s, err := stack.Start(t.Context(), stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	topic := s.RocketMQ.NewTopic(t, 2)
	text(t, open(t, s.Database.NewDatabase(t)), "SELECT 1")
	if got := maxOffsets(t, shared.RocketMQ, topic); len(got) != 2 {
		t.Errorf("the topic has %d queues where it came from", len(got))
	}
	for variable, server := range map[string]*stack.Server{
		stack.DatabaseEnv: s.Database.Server, stack.NameServerEnv: s.RocketMQ.Broker,
	} {
		for what, do := range map[string]func() error{
			"kill": server.Kill, "pause": server.Pause, "stop": server.Stop, "resume": server.Resume,
			"start": func() error { return server.Start(t.Context()) },
		} {
			if err := do(); err == nil || !strings.Contains(err.Error(), variable) || !strings.Contains(err.Error(), what) {
				t.Errorf("%s: error %v does not name %s", what, err, variable)
			}
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	maxOffsets(t, shared.RocketMQ, topic) // still there
	if found := left(t, tempDir); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
}

func TestBadServersFromOutside(t *testing.T) {
	const nobody = "127.0.0.1:1"
	shared := stack.Shared(t)
	nameServer, dsn := shared.RocketMQ.NameServer.Addr(), shared.Database.DSN("")
	for _, tc := range []struct{ name, nameServers, dsn, want string }{
		{"no DSN", nameServer, "nonsense", stack.DatabaseEnv + ": invalid DSN"},
		{"a database in the DSN", nameServer, "root:hidden@tcp(" + nobody + ")/ledger", `names the database "ledger"`},
		{"no database there", nameServer, "root:hidden@tcp(" + nobody + ")/", stack.DatabaseEnv + ": dial tcp " + nobody},
		{"no name server there", nobody, dsn, stack.NameServerEnv + ": dial tcp " + nobody},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tempDir := alone(t)
			t.Setenv(stack.NameServerEnv, tc.nameServers)
			t.Setenv(stack.DatabaseEnv, tc.dsn)
			_, err := stack.Start(t.Context(), stack.Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error shows the password: %v", err)
			}
			if found := left(t, tempDir); len(found) > 0 {
				t.Errorf("left behind: %v", found)
			}
		})
	}
}

func TestReadStateOfAnEndedStack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	if state, err := stack.ReadState(file); state != nil || err != nil {
		t.Errorf("without a file: %v, %v", state, err)
	}
	// This process lives, and did not start when the file says.
	stranger := stack.State{Processes: []stack.ProcessID{{Name: "stack", PID: os.Getpid(), Start: "1"}}}
	text, err := json.Marshal(stranger)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if state, err := stack.ReadState(file); state != nil || err != nil {
		t.Errorf("with a number that was given again: %v, %v", state, err)
	}
	if ran, err := stack.Down(file); ran || err != nil {
		t.Errorf("down: %v, %v", ran, err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := stack.ReadState(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a broken file: %v", err)
	}
}
