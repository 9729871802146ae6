package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
)

// startAt starts a runner of its own at a socket and returns when it listens there.
func startAt(t *testing.T, socket string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(runnerBinary)
	cmd.Env = append(append(os.Environ(), "APISIX_LISTEN_ADDRESS=unix:"+socket, "BILLING_RUNNER_ID=gw-1",
		"BILLING_STAMP_KEYS="+testKeys), env...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var seen bytes.Buffer
	for part := make([]byte, 512); !strings.Contains(seen.String(), `"listening"`); {
		n, err := log.Read(part)
		if seen.Write(part[:n]); err != nil {
			t.Fatalf("it does not listen: %s", seen.String())
		}
	}
	go io.Copy(io.Discard, log)
	return cmd
}

// A request that is in the runner when the signal comes gets its stamp; one that takes too long is cut off, and told.
func TestTheSignalWaitsForRequestsUnderWay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		drain string
		held  bool // beyond the end
	}{"it waits": {"10s", false}, "not for ever": {"1ms", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, log := startRunner(t, "BILLING_STAMP_KEYS="+testKeys, "BILLING_RUNNER_DRAIN="+tt.drain)
			asked, answer := make(chan struct{}), make(chan struct{})
			var once sync.Once
			client := relay(t, r.Socket(), func(to io.Writer, from io.Reader) {
				// The configuration and the call pass, and the answer to the call's first question waits.
				buffer := make([]byte, 64<<10)
				for n := 0; ; n++ {
					size, err := from.Read(buffer)
					if err != nil {
						return
					}
					if n == 2 {
						once.Do(func() { close(asked) })
						<-answer
					}
					if _, err := to.Write(buffer[:size]); err != nil {
						return
					}
				}
			})
			var wg sync.WaitGroup
			defer wg.Wait()
			wg.Go(func() {
				x := exchange("acme")
				action, err := client.Call(t.Context(), "route", extplugin.Conf{{Name: "billing-keys"}}, x)
				if (err != nil) != tt.held {
					t.Errorf("the call: %v", err)
				}
				action.ApplyRequest(&x.Header)
				if _, state := open(t, testKeys, x); (state != billingkey.Verified) != tt.held {
					t.Errorf("stamp %s", state)
				}
			})
			<-asked
			if err := r.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				await(t, "the runner's end", func() bool { return r.Pid() == 0 })
			}()
			if !tt.held {
				// The socket is gone when only what is under way is still served.
				await(t, "the socket's end", func() bool { _, err := os.Stat(r.Socket()); return err != nil })
				close(answer)
			}
			<-gone
			if tt.held {
				close(answer)
			}
			var cut any
			for _, line := range log.lines(t) {
				if line["calls"] != nil {
					cut = line["calls"]
				}
			}
			if want := map[bool]any{true: 1.0, false: nil}[tt.held]; cut != want {
				t.Errorf("calls that were told to be cut off: %v, want %v", cut, want)
			}
		})
	}
}

func TestOnlyASocketIsReplaced(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(runnerBinary)
	cmd.Env = append(os.Environ(), "APISIX_LISTEN_ADDRESS=unix:"+file)
	out, err := cmd.CombinedOutput()
	if data, _ := os.ReadFile(file); err == nil || string(data) != "data" || !bytes.Contains(out, []byte("something else is there")) {
		t.Errorf("%v, the file holds %q, log %s", err, data, out)
	}
}

// A directory where no socket can be made, and a log that nobody reads any more.
func TestAGatewayThatIsGone(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(runnerBinary)
	cmd.Env = append(os.Environ(), "APISIX_LISTEN_ADDRESS=unix:/nowhere/x.sock")
	if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("socket /nowhere/x.sock")) {
		t.Errorf("%v: %s", err, out)
	}

	socket := filepath.Join(t.TempDir(), "s")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	runner := exec.Command(runnerBinary)
	runner.Env = append(os.Environ(), "APISIX_LISTEN_ADDRESS=unix:"+socket, "BILLING_STAMP_KEYS="+testKeys)
	runner.Stdout, runner.Stderr = write, write
	if err := runner.Start(); err != nil {
		t.Fatal(err)
	}
	defer runner.Wait()
	defer runner.Process.Kill()
	write.Close()
	await(t, "the socket", func() bool { _, err := os.Stat(socket); return err == nil })
	read.Close()
	client := extplugin.NewClient(socket, 10*time.Second)
	defer client.Close()
	for n := range 3 { // each configuration is a line of the log
		stampWith(t, client, fmt.Sprintf(`{"no":%d}`, n), exchange("acme"))
	}
}

// The gateway drops its tokens of configurations when a runner that it started ends. It does not know of the end of one that
// runs on its own: such tokens must not mean another configuration to the next run.
func TestTokensOfTheRunBefore(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	const conf = `{"idempotency_header":"X-%s"}`
	call := func(client *extplugin.Client, which string) string {
		x := exchange("acme", field("X-Chat", "of chat"), field("X-Order", "of an order"))
		return stampWith(t, client, fmt.Sprintf(conf, which), x).IdempotencyKey
	}
	old := startAt(t, socket)
	client, worker := extplugin.NewClient(socket, 10*time.Second), extplugin.NewClient(socket, 10*time.Second)
	defer client.Close()
	defer worker.Close()
	for range 2 {
		if got := call(client, "Chat"); got != "of chat" {
			t.Errorf("key %q", got)
		}
		if got := call(worker, "Order"); got != "of an order" {
			t.Errorf("key %q", got)
		}
		old.Process.Kill()
		old.Wait()
		old = startAt(t, socket)
		// In the new run they come the other way round.
		if got := call(worker, "Order"); got != "of an order" {
			t.Errorf("key %q behind a restart", got)
		}
	}
}

// An APISIX that is killed sends no signal. Its runner ends all the same; of one on its own nobody is the parent.
func TestARunnerEndsWithItsAPISIX(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	gateway := exec.Command("/bin/sh", "-c", `"$0" & echo $!; wait`, runnerBinary)
	gateway.Env = append(os.Environ(), "APISIX_LISTEN_ADDRESS=unix:"+socket, "APISIX_CONF_EXPIRE_TIME=3600", "BILLING_STAMP_KEYS="+testKeys)
	out, err := gateway.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGKILL)
	there := func() bool { _, err := os.Stat(socket); return err == nil }
	await(t, "the socket", there)
	gateway.Process.Kill()
	gateway.Wait()
	await(t, "the runner's end", func() bool { return !there() })

	alone, err := loadSettings(func(name string) string {
		return map[string]string{envListen: "unix:" + socket, envRunnerID: "gw-1"}[name]
	})
	if err != nil || alone.byAPISIX {
		t.Errorf("%v: a runner on its own is taken for APISIX's", err)
	}
}
