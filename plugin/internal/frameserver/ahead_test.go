package frameserver

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/apache/apisix-go-plugin-runner/inside"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"gateway-billing.internal/plugin/internal/runnermetrics"
)

// A handler asks what the payload lists; a gateway answers each question with its own name. Whatever is asked behind the
// first, each question gets its own answer, and the connection serves the next call.
func TestQuestionsTogether(t *testing.T) {
	var got []string
	handle := func(kind byte, payload []byte, conn net.Conn) inside.Answer {
		got = nil
		for name := range strings.FieldsSeq(string(payload)) {
			question := inside.Question(name)
			_, _ = conn.Write(question[:headLength])
			_, _ = conn.Write(question[headLength:])
			head := make([]byte, headLength)
			_, _ = conn.Read(head)
			answer := make([]byte, payloadLength(head))
			_, err := conn.Read(answer)
			got = append(got, fmt.Sprint(string(answer), err))
		}
		return inside.Handle(kind, payload, conn)
	}
	here, there := net.Pipe()
	defer there.Close()
	server := New(Options{
		Handle: handle, Together: [2][]byte{inside.Question("id"), inside.Question("name")},
		Drain: time.Minute, Metrics: runnermetrics.New(prometheus.NewRegistry()), Log: zerolog.Nop(),
	})
	server.start(here)
	defer server.wg.Wait()
	defer there.Close()

	for _, c := range []struct{ asks, sent string }{
		{"id name", "id+name"},
		{"id", "id+name"},
		{"id other", "id+name other"},
		{"id other name", "id+name other name"},
		{"name", "name"},
		{"id name id name", "id+name id+name"},
		{"", ""},
	} {
		if _, err := io.WriteString(there, frame(c.asks)); err != nil {
			t.Fatal(err)
		}
		var sent []string
		for {
			buf := make([]byte, 1024)
			n, err := there.Read(buf) // of a pipe: one write
			if err != nil {
				t.Fatal(err)
			}
			if buf[0] == answered {
				break
			}
			var names []string
			for _, name := range []string{"id", "name", "other"} {
				if bytes.Contains(buf[:n], inside.Question(name)) {
					names = append(names, name)
				}
			}
			sent = append(sent, strings.Join(names, "+"))
			for _, name := range names {
				if _, err := there.Write(append([]byte{inside.ExtraInfo, 0, 0, byte(len(name))}, name...)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if have := strings.Join(sent, " "); have != c.sent {
			t.Errorf("%q: sent %q, want %q", c.asks, have, c.sent)
		}
		var want []string
		for name := range strings.FieldsSeq(c.asks) {
			want = append(want, name+"<nil>")
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: answers %q, want %q", c.asks, got, want)
		}
	}
}
