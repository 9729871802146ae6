package frameserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/apisix-go-plugin-runner/inside"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"gateway-billing.internal/plugin/internal/runnermetrics"
)

// The library's caches have no end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/ReneKroon/ttlcache/v2.(*Cache).startExpirationProcessing"))
}

// frame is one of a kind that is answered with an error, by the library; the test's handler takes its payload for what to do.
func frame(payload string) string {
	return "\x09\x00\x00" + string([]byte{byte(len(payload))}) + payload
}

const answered = 0 // the kind of its answer

type scene struct {
	t       *testing.T
	path    string
	metrics *runnermetrics.Metrics
	log     bytes.Buffer // complete when the server has ended
	end     func() (cutOff int)
	// holding gets a value for each held call, release lets them go on.
	holding, release chan struct{}
}

func start(t *testing.T, drain time.Duration) *scene {
	s := &scene{
		t: t, path: filepath.Join(t.TempDir(), "s"), metrics: runnermetrics.New(prometheus.NewRegistry()),
		holding: make(chan struct{}), release: make(chan struct{}),
	}
	handle := func(kind byte, payload []byte, conn net.Conn) inside.Answer {
		switch string(payload) {
		case "panic":
			panic("as it was asked to")
		case "hold":
			s.holding <- struct{}{}
			<-s.release
		case "ask":
			s.holding <- struct{}{}
			_, _ = conn.Read(make([]byte, 1))
		}
		return inside.Handle(kind, payload, conn)
	}
	listener, err := Listen(s.path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	server := New(Options{Handle: handle, Drain: drain, Metrics: s.metrics, Log: zerolog.New(zerolog.SyncWriter(&s.log))})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	s.end = sync.OnceValue(func() int { cancel(); return <-ended })
	t.Cleanup(func() { s.end() })
	return s
}

func (s *scene) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("unix", s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends a frame and returns the kind of its answer, or that there is none.
func ask(conn net.Conn, payload string) (kind byte, err error) {
	if _, err := io.WriteString(conn, frame(payload)); err != nil {
		return 0, err
	}
	return receive(conn)
}

func receive(conn net.Conn) (kind byte, err error) {
	head := make([]byte, headLength)
	if _, err := io.ReadFull(conn, head); err != nil {
		return 0, err
	}
	_, err = io.CopyN(io.Discard, conn, int64(payloadLength(head)))
	return head[0], err
}

func TestAPanicEndsItsConnectionAlone(t *testing.T) {
	s := start(t, time.Minute)
	other, fated := s.dial(), s.dial()
	for _, conn := range []net.Conn{other, fated} {
		if kind, err := ask(conn, "x"); kind != answered || err != nil {
			t.Fatalf("kind %d, %v", kind, err)
		}
	}
	if _, err := ask(fated, "panic"); !errors.Is(err, io.EOF) {
		t.Errorf("behind a panic: %v", err)
	}
	if kind, err := ask(other, "x"); kind != answered || err != nil {
		t.Errorf("the other connection: kind %d, %v", kind, err)
	}
	if n := testutil.ToFloat64(s.metrics.Failures.WithLabelValues("panic")); n != 1 {
		t.Errorf("%v panics are counted", n)
	}
	s.end()
	if log := s.log.String(); !strings.Contains(log, "as it was asked to") || !strings.Contains(log, "server_test.go") {
		t.Errorf("no stack in %s", log)
	}
}

func TestTheEnd(t *testing.T) {
	s := start(t, time.Minute)
	idle, busy := s.dial(), s.dial()
	if _, err := ask(idle, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(busy, frame("hold")); err != nil {
		t.Fatal(err)
	}
	<-s.holding
	ended := make(chan int)
	go func() { ended <- s.end() }()
	if _, err := receive(idle); !errors.Is(err, io.EOF) {
		t.Errorf("an idle connection: %v", err)
	}
	select {
	case <-ended:
		t.Error("it did not wait")
	default:
	}
	close(s.release)
	if kind, err := receive(busy); kind != answered || err != nil {
		t.Errorf("the call that was under way: kind %d, %v", kind, err)
	}
	if cutOff := <-ended; cutOff != 0 {
		t.Errorf("%d cut off", cutOff)
	}
	if n := testutil.ToFloat64(s.metrics.Connections); n != 0 {
		t.Errorf("%v connections", n)
	}
	if _, err := net.Dial("unix", s.path); err == nil {
		t.Error("the socket is still there")
	}
}

// A call that waits for its gateway is cut off at the limit.
func TestTheEndOfPatience(t *testing.T) {
	s := start(t, time.Millisecond)
	conn := s.dial()
	if _, err := io.WriteString(conn, frame("ask")); err != nil {
		t.Fatal(err)
	}
	<-s.holding
	if cutOff := s.end(); cutOff != 1 {
		t.Errorf("%d cut off", cutOff)
	}
	if _, err := receive(conn); err == nil {
		t.Error("it was answered")
	}
}

// scarce is a listener without descriptors, for a while. It is made up: the limit of this process is not to be used up.
type scarce struct {
	net.Listener
	left int
}

func (l *scarce) Accept() (net.Conn, error) {
	if l.left > 0 {
		l.left--
		return nil, errors.New("accept: too many open files")
	}
	return l.Listener.Accept()
}

func TestAcceptingGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := Listen(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	metrics := runnermetrics.New(prometheus.NewRegistry())
	server := New(Options{Handle: inside.Handle, Drain: time.Minute, Metrics: metrics, Log: zerolog.Nop()})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { server.Serve(ctx, &scarce{listener, 3}) })
	defer wg.Wait()
	defer cancel()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if kind, err := ask(conn, "x"); kind != answered || err != nil {
		t.Errorf("kind %d, %v", kind, err)
	}
	if n := testutil.ToFloat64(metrics.Failures.WithLabelValues("accept")); n != 3 {
		t.Errorf("%v failures are counted", n)
	}
}
