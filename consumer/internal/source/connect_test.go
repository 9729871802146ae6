package source

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// A topic that is not there yet is waited for, without leaving goroutines behind at each try.
func TestTopicThatComesLater(t *testing.T) {
	mq := stack.Shared(t).RocketMQ
	group := mq.NewGroup(t)
	topic := "later-" + group
	m := newMemory()
	r := run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group}, m.handle)
	failures := r.events.get(func(e *events) int { return e.failed })
	eventually(t, 20*time.Second, "a first try", func() bool { return failures() > 0 })
	state := r.State()
	if state.Ready() || !strings.Contains(state.Reasons[0], "the topic has no route") {
		t.Errorf("reasons: %q", state.Reasons)
	}
	before := runtime.NumGoroutine()
	tries := failures()
	eventually(t, 30*time.Second, "more tries", func() bool { return failures() >= tries+2 })
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("goroutines grew from %d to %d over two tries", before, after)
	}
	if err := mq.CreateTopic(t.Context(), topic, 2, stack.ReadWrite); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mq.DeleteTopic(context.Background(), topic) })
	eventually(t, 60*time.Second, "ready", func() bool { return r.State().Ready() })
	send(t, topic, 0, 10)
	eventually(t, 30*time.Second, "messages", func() bool { return m.count() == 10 })
	r.stop()
	m.check(t, 10)
}

// A topic that outgrows the callback slots that were planned gets another client.
func TestTopicThatGrows(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 1)
	m := newMemory()
	r := run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group}, m.handle)
	planned := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.session == nil {
			return 0
		}
		return r.session.capacity.queues
	}
	eventually(t, 30*time.Second, "a client for 16 queues", func() bool { return planned() == 16 })
	send(t, topic, 0, 20)
	eventually(t, 30*time.Second, "messages before", func() bool { return m.count() == 20 })
	if err := stack.Shared(t).RocketMQ.CreateTopic(t.Context(), topic, 20, stack.ReadWrite); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "a client for 40 queues", func() bool { return planned() == 40 })
	send(t, topic, 20, 40)
	eventually(t, 60*time.Second, "messages after", func() bool { return m.count() == 60 })
	r.stop()
	m.check(t, 60)
}

// A name server that is away at the start is waited for, and the next one of the list is used. Names are resolved.
func TestNameServerThatComesLater(t *testing.T) {
	topic, group := newTopic(t, 2)
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := reserved.Addr().String()
	_ = reserved.Close()
	_, port, _ := net.SplitHostPort(addr)
	m := newMemory()
	r := run(t, Options{
		NameServers: []string{"127.0.0.1:1", "localhost:" + port}, Topic: topic, Group: group,
	}, m.handle)
	eventually(t, 20*time.Second, "not ready, naming both", func() bool {
		reasons := strings.Join(r.State().Reasons, ";")
		return strings.Contains(reasons, "127.0.0.1:1") && strings.Contains(reasons, "localhost:"+port)
	})
	forward(t, addr, nameServers(t)[0])
	eventually(t, 60*time.Second, "ready", func() bool { return r.State().Ready() })
	send(t, topic, 0, 10)
	eventually(t, 30*time.Second, "messages", func() bool { return m.count() == 10 })
}

// forward passes connections to addr on to target until the test ends.
func forward(t *testing.T, addr, target string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				_ = in.Close()
				continue
			}
			t.Cleanup(func() { _ = in.Close(); _ = out.Close() })
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
}
