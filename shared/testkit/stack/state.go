package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gateway-billing.internal/shared/testkit/internal/process"
)

// StateEnv names the state file of a stack that was left running.
const StateEnv = "BILLING_TEST_STATE"

// State is what a stack that was left running tells of itself in a file, for tests and for who ends it.
type State struct {
	// Processes are who holds the stack, and then the servers, which end with it.
	Processes []ProcessID `json:"processes"`
	// Dir holds the servers' data and logs.
	Dir string `json:"dir"`
	// NameServers is host:port[;host:port].
	NameServers string `json:"name_servers"`
	// DSN is the administrative user's, without a database name.
	DSN string `json:"mysql_dsn"`
}

// ProcessID names a process for good: another one may get its number later, with another start.
type ProcessID struct {
	Name  string `json:"name"`
	PID   int    `json:"pid"`
	Start string `json:"start"`
}

// Runs says whether the process is still there.
func (p ProcessID) Runs() bool {
	start, err := process.StartTime(p.PID)
	return err == nil && start == p.Start
}

// StateFile is where the state of a stack left running is: the file that StateEnv names, else the one of `make up` in
// the checkout that the working directory is in; "" when that is none.
func StateFile() string {
	if file := os.Getenv(StateEnv); file != "" {
		return file
	}
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return filepath.Join(dir, ".build", "stack", "state.json")
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return ""
}

// ReadState reads the state file of a stack that still runs; nil when there is none or it has ended.
func ReadState(file string) (*State, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	state := &State{}
	if err := json.Unmarshal(text, state); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(state.Processes) == 0 || !state.Processes[0].Runs() {
		return nil, nil
	}
	return state, nil
}

// Serve starts a stack, tells of it in the state file, and holds it while work runs; then it stops the stack and removes
// the file. work is to return when ctx ends.
func Serve(ctx context.Context, file string, options Options, work func(context.Context, *Stack) error) (err error) {
	s, err := Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := s.writeState(file); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file)) }()
	return work(ctx, s)
}

func (s *Stack) writeState(file string) error {
	state := State{Dir: s.dir, NameServers: s.RocketMQ.NameServer.addr, DSN: s.Database.DSN("")}
	pids := []struct {
		name string
		pid  int
	}{
		{"stack", os.Getpid()},
		{"name server", s.RocketMQ.NameServer.PID()},
		{"broker", s.RocketMQ.Broker.PID()},
		{"database", s.Database.PID()},
	}
	for _, p := range pids {
		if p.pid == 0 {
			continue // from outside
		}
		start, err := process.StartTime(p.pid)
		if err != nil {
			return fmt.Errorf("%s (pid %d): %w", p.name, p.pid, err)
		}
		state.Processes = append(state.Processes, ProcessID{p.name, p.pid, start})
	}
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	fresh := file + ".new" // readers see the whole file or none
	if err := os.WriteFile(fresh, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}

// Down ends the stack that a state file tells of, and only those of its processes that are still the same; what its
// holder left behind, it removes. It returns false when no such stack ran.
func Down(file string) (ran bool, err error) {
	state, err := ReadState(file)
	if err != nil || state == nil {
		return false, err
	}
	holder := state.Processes[0]
	if err := process.Terminate(holder.PID); err != nil {
		return true, err
	}
	deadline := time.Now().Add(stopLimit)
	for _, p := range state.Processes {
		for p.Runs() {
			if time.Now().After(deadline) {
				if err := process.KillPID(p.PID); err != nil {
					return true, fmt.Errorf("kill the %s (pid %d): %w", p.Name, p.PID, err)
				}
			}
			time.Sleep(readyTick)
		}
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, err
	}
	return true, os.RemoveAll(state.Dir)
}
