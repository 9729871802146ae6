package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// stampWith runs the plugin over a client's own way to the runner.
func stampWith(t *testing.T, c *extplugin.Client, conf string, x *nginx.Exchange) billingkey.Stamp {
	t.Helper()
	action, err := c.Call(t.Context(), "route", extplugin.Conf{{Name: "billing-keys", Value: conf}}, x)
	if err != nil {
		t.Error(err)
		return billingkey.Stamp{}
	}
	action.ApplyRequest(&x.Header)
	st, state := open(t, testKeys, x)
	if state != billingkey.Verified {
		t.Errorf("stamp %s", state)
	}
	return st
}

// A frame of over 36 KiB reaches the runner in pieces. The request behind it must not go unstamped: its client chose it so.
func TestRequestsOfAnySizeAreStamped(t *testing.T) {
	t.Parallel()
	r, _ := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	for _, size := range []int{36 << 10, 120 << 10, 1 << 20, 8 << 20} {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range max(1, (2<<20)/size) {
					x := exchange("acme", field("X-Large", strings.Repeat("v", size/2)))
					x.URI += "&pad=" + strings.Repeat("u", size/4) // a second time in its arguments, and in an answer
					st := stampWith(t, r.Client, `{"dimensions":{"p":"var:arg_project","uri":"var:request_uri"}}`, x)
					if st.Dimensions["p"] != "p1" || !st.DimensionsCut {
						t.Errorf("%d bytes: %+v", size, st.Dimensions)
					}
				}
			})
		}
		wg.Wait()
	}
}

// relay listens and connects each client to the target; up carries what the client sends.
func relay(t *testing.T, target string, up func(to io.Writer, from io.Reader)) *extplugin.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "relay")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	client := extplugin.NewClient(path, 10*time.Second)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", target)
			if err != nil {
				from.Close()
				continue
			}
			wg.Go(func() { defer to.Close(); up(to, from) })
			wg.Go(func() { defer from.Close(); io.Copy(from, to) })
		}
	})
	t.Cleanup(func() {
		client.Close()
		listener.Close()
		wg.Wait()
	})
	return client
}

func TestFramesInPieces(t *testing.T) {
	t.Parallel()
	r, _ := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	for name, most := range map[string]int{"bytes": 1, "pieces": 300} {
		client := relay(t, r.Socket(), func(to io.Writer, from io.Reader) {
			for {
				if _, err := io.CopyN(to, from, 1+rand.Int64N(int64(most))); err != nil {
					return
				}
			}
		})
		for n := range 10 {
			x := exchange("acme", field("X-Tenant", fmt.Sprint(name, n)))
			st := stampWith(t, client, `{"dimensions":{"tenant":"header:X-Tenant","project":"var:arg_project"}}`, x)
			if st.Consumer != "acme" || st.Dimensions["tenant"] != fmt.Sprint(name, n) || st.Dimensions["project"] != "p1" {
				t.Errorf("stamp %+v", st)
			}
		}
	}
}

// What is no frame ends its own connection, with a line in the log, and no other; nor do connections that are given up.
func TestWhatIsNoFrameCostsItsConnection(t *testing.T) {
	t.Parallel()
	r, log := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	for name, tt := range map[string]struct {
		bytes string
		kind  byte // of the answer; 'X' for an end without one
	}{
		"nothing":           {"", 'X'},
		"half a head":       {"\x02\x00", 'X'},
		"half a frame":      {"\x02\x00\x01\x00abc", 'X'},
		"the longest":       {"\x02\xff\xff\xffabc", 'X'},
		"no payload":        {"\x02\x00\x00\x00", 'X'},
		"no flatbuffer":     {"\x02\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xff", 'X'},
		"no configuration":  {"\x01\x00\x00\x04\xff\x00\x00\x00", 'X'},
		"an unknown kind":   {"\x09\x00\x00\x01a", 0},
		"an unasked answer": {"\x03\x00\x00\x01a", 0},
		"text":              {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 'X'},
	} {
		conn, err := net.Dial("unix", r.Socket())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, tt.bytes)
		conn.(*net.UnixConn).CloseWrite()
		answer, err := io.ReadAll(conn)
		if err != nil || (tt.kind == 'X') != (len(answer) == 0) || len(answer) > 0 && answer[0] != tt.kind {
			t.Errorf("%s: answer %q, %v", name, answer, err)
		}
		conn.Close()
		stampExchange(t, r, "", exchange("acme"))
	}
	r.Stop()
	var panics int
	for _, line := range log.lines(t) {
		if cause, _ := line["error"].(string); strings.Contains(line["message"].(string), "panic") {
			panics++
			if !strings.Contains(cause, "goroutine") || !strings.Contains(cause, "inside.Handle") {
				t.Errorf("no stack: %s", cause)
			}
		}
	}
	if panics == 0 {
		t.Error("no line of a panic")
	}
}

// What the gateway's workers keep open does not hinder what is asked.
func TestAThousandConnections(t *testing.T) {
	t.Parallel()
	r, _ := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	const n = 1000
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	for i := range n {
		conn, err := net.Dial("unix", r.Socket())
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		conns = append(conns, conn)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	numbers := map[uint64]bool{}
	for range n / 20 {
		wg.Go(func() {
			for range 20 {
				st := stampWith(t, r.Client, "", exchange("acme"))
				mu.Lock()
				numbers[st.Sequence] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(numbers) != n || !numbers[n] {
		t.Errorf("%d numbers, 1000 of them 1 to 1000: %v", len(numbers), numbers[n])
	}
}

// Without a descriptor left the runner waits for one, and serves on.
func TestWithoutDescriptors(t *testing.T) {
	t.Parallel()
	log := &output{}
	r, err := extplugin.NewRunner(extplugin.RunnerConfig{
		Command: []string{"/bin/sh", "-c", `ulimit -n 40 && exec "$0"`, runnerBinary}, Output: log, Timeout: 10 * time.Second,
		Env: []string{"BILLING_RUNNER_ID=gw-1", "BILLING_STAMP_KEYS=" + testKeys},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	for range 100 {
		conn, err := net.Dial("unix", r.Socket())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	await(t, "a line of it", func() bool {
		log.mu.Lock()
		defer log.mu.Unlock()
		return strings.Contains(log.bytes.String(), "no connection can be accepted")
	})
	for _, conn := range conns {
		conn.Close()
	}
	stampWith(t, r.Client, "", exchange("acme"))
}

// await waits until it holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// A configuration that the gateway changes counts from the next request on, and what is under way keeps its own.
func TestConfigurationsThatChangeUnderLoad(t *testing.T) {
	t.Parallel()
	r, _ := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 40 {
				name := fmt.Sprintf("%d-%d", worker, n/4)
				x := exchange("acme", field("X-"+name, name))
				st := stampWith(t, r.Client, fmt.Sprintf(`{"idempotency_header":"X-%s","dimensions":{%q:"header:X-%s"}}`, name, name, name), x)
				if st.IdempotencyKey != name || st.Dimensions[name] != name {
					t.Errorf("with the configuration %s: %+v", name, st)
				}
			}
		})
	}
	wg.Wait()
}

func TestTheSocketIsForThoseWhoMay(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]os.FileMode{"": 0o666, "BILLING_RUNNER_SOCKET_MODE=0660": 0o660} {
		r, _ := startRunner(t, env)
		info, err := os.Stat(r.Socket())
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", env, info, err)
		}
	}
}

// Where APISIX is started anew, the new runner takes the socket before the old one is at its end.
func TestANewRunnerTakesTheSocket(t *testing.T) {
	t.Parallel()
	old, _ := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	before := stampWith(t, old.Client, "", exchange("acme"))
	next := startAt(t, old.Socket())
	client := extplugin.NewClient(old.Socket(), 10*time.Second)
	defer client.Close()
	epoch := stampWith(t, client, "", exchange("acme")).Epoch
	if epoch == before.Epoch {
		t.Error("the old runner has the socket still")
	}
	if st := stampWith(t, old.Client, "", exchange("acme")); st.Epoch != before.Epoch || st.Sequence != 2 {
		t.Errorf("over a connection of before: %+v", st)
	}
	if err := old.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	fresh := extplugin.NewClient(old.Socket(), 10*time.Second)
	defer fresh.Close()
	if st := stampWith(t, fresh, "", exchange("acme")); st.Epoch != epoch || st.Sequence != 2 {
		t.Errorf("behind the old runner's end: %+v", st)
	}
	next.Process.Signal(syscall.SIGTERM)
	if err := next.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(old.Socket()); err == nil {
		t.Error("the socket is left behind")
	}
}
