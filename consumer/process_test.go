package main_test

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/source/sourcetest"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/stack"
)

// binary is billing-consumer as this test built it.
var binary string

func TestMain(m *testing.M) {
	sourcetest.ExemptRaces()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "billing-consumer-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "billing-consumer")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		// The producer of these tests leaves the client's goroutines behind.
		return stack.Main(m, sourcetest.ClientLeaks()...)
	}())
}

// world is a migrated database of the test's own, with a topic and a group beside it.
type world struct {
	broker       *stack.RocketMQ
	topic, group string
	dsn          string
	db           *sql.DB
	extra        string // YAML of the part rocketmq
	root         string // YAML beside the parts
	binary       string // what start starts; empty for the binary of this test
}

// newWorld prepares what a consumer needs. dsn "" takes a database on the shared server.
func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the stack: make test")
	}
	shared := stack.Shared(t)
	if dsn == "" {
		dsn = shared.Database.NewDatabase(t)
	}
	return newWorldOn(t, dsn, shared.RocketMQ)
}

// newWorldOn does so on a broker and a database of the test's own.
func newWorldOn(t *testing.T, dsn string, broker *stack.RocketMQ) *world {
	t.Helper()
	w := &world{broker: broker, dsn: dsn}
	w.topic, w.group = w.broker.NewTopic(t, 4), w.broker.NewGroup(t)
	var err error
	if w.db, err = sql.Open("mysql", w.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	if out, err := exec.CommandContext(t.Context(), binary, "migrate", "up", "--config", w.config(t)).CombinedOutput(); err != nil {
		t.Fatalf("migrate up: %v\n%s", err, out)
	}
	return w
}

func (w *world) config(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "consumer.yaml")
	text := fmt.Sprintf(`rocketmq:
  name_servers: [%q]
  topic: %s
  group: %s
%smysql:
  dsn: %q
http:
  listen: 127.0.0.1:0
%s`, w.broker.NameServer.Addr(), w.topic, w.group, w.extra, w.dsn, w.root)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// count runs a query of one number.
func (w *world) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	if err := w.db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// sums are the usage deltas together with the sums of hours that they are folded into, as a table.
const sums = `(SELECT consumer, billable, unit, quantity, records, total_tokens FROM usage_delta
	UNION ALL SELECT consumer, billable, unit, quantity, records, total_tokens FROM usage_hourly) AS sums`

func (w *world) records(t *testing.T) int {
	return w.count(t, "SELECT COUNT(*) FROM mq_consume_log")
}

// consumer is one running billing-consumer.
type consumer struct {
	cmd     *exec.Cmd
	log     *lockedBuffer
	address string
	done    chan struct{}
	err     error
}

// start starts a consumer and waits until its HTTP server answers. It is killed at the end of the test if it runs.
func (w *world) start(t *testing.T) *consumer {
	t.Helper()
	return w.startAs(t, "run")
}

// startAs is start with another command than run.
func (w *world) startAs(t *testing.T, command string) *consumer {
	t.Helper()
	c := &consumer{log: &lockedBuffer{}, done: make(chan struct{})}
	c.cmd = exec.Command(cmp.Or(w.binary, binary), command, "--config", w.config(t))
	c.cmd.Stderr = c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.err = c.cmd.Wait(); close(c.done) }()
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		<-c.done
		if t.Failed() {
			t.Logf("log of the consumer:\n%s", c.log.tail(8000))
		}
	})
	await(t, 20*time.Second, "the consumer's HTTP address", func() bool {
		c.address = c.listens("serving /healthz")
		return c.address != ""
	})
	return c
}

// listens is the address of the line of the log that tells of a server, "" before it is there.
func (c *consumer) listens(message string) string {
	for line := range strings.Lines(c.log.String()) {
		if strings.Contains(line, message) {
			_, rest, _ := strings.Cut(line, `"address":"`)
			address, _, _ := strings.Cut(rest, `"`)
			return address
		}
	}
	return ""
}

func (c *consumer) ready(t *testing.T) bool {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.address+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// terminate sends SIGTERM and waits for the end, which must come by itself within limit.
func (c *consumer) terminate(t *testing.T, limit time.Duration) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.done:
	case <-time.After(limit):
		t.Fatalf("still there %v after SIGTERM", limit)
	}
	if c.err != nil {
		t.Fatalf("exit after SIGTERM: %v", c.err)
	}
}

func (c *consumer) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-c.done
}

// await polls until the condition holds.
func await(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for: %s", limit, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// producer sends message bodies to the world's topic.
func (w *world) producer(t *testing.T) func(body []byte) {
	t.Helper()
	p, err := rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: strings.Split(w.broker.NameServer.Addr(), ";")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return func(body []byte) {
		if err := p.Send(context.WithoutCancel(t.Context()), rocketlog.Message{Topic: w.topic, Body: body}); err != nil {
			t.Errorf("send: %v", err)
		}
	}
}

// entry is the log entry of request number n: APISIX consumer alice, 10 prompt and n%100 completion tokens. Each number
// has a request ID of its own.
func entry(n int) string {
	return fmt.Sprintf(`{"billing":{"request_id":"%032x"},"route_id":"chat","service_id":"","consumer":{"username":"alice"},`+
		`"client_ip":"127.0.0.1","start_time":%d,"latency":2.5,"request":{"method":"POST","uri":"/v1/chat/completions",`+
		`"headers":{"host":"h"},"size":200},"response":{"status":200,"size":300,"headers":{"content-type":"application/json"},`+
		`"body":"{\"model\":\"m\",\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":%d}}"}}`,
		n+1, 1795347865715+n, n%100)
}

func array(from, to int) []byte {
	var b bytes.Buffer
	for n := from; n < to; n++ {
		b.WriteString(map[bool]string{true: "[", false: ","}[n == from])
		b.WriteString(entry(n))
	}
	b.WriteByte(']')
	return b.Bytes()
}

// tokens is what the requests 0..n-1 consumed.
func tokens(n int) (total int) {
	for i := range n {
		total += 10 + i%100
	}
	return total
}

// lockedBuffer collects a process's log while others read it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *lockedBuffer) tail(n int) string {
	s := b.String()
	return s[max(0, len(s)-n):]
}
