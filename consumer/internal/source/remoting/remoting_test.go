package remoting

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

// serve answers each request by the function, on a connection of its own.
func serve(t *testing.T, answer func(req header) (header, string)) *Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = nc.Close() }()
		for {
			req, _, err := readFrame(nc)
			if err != nil {
				return
			}
			// A broker's own request in between is to be skipped.
			_ = writeFrame(nc, header{Code: 40, Opaque: req.Opaque})
			h, body := answer(req)
			h.Opaque, h.Flag = req.Opaque, flagAnswer
			_ = writeFrameBody(nc, h, body)
		}
	}()
	c, err := Dial(t.Context(), l.Addr().String(), Credentials{AccessKey: "user", SecretKey: "key"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); _ = l.Close(); <-done })
	return c
}

// writeFrameBody is writeFrame with a body, as only servers send it here.
func writeFrameBody(w io.Writer, h header, body string) error {
	var head bytes.Buffer
	if err := writeFrame(&head, h); err != nil {
		return err
	}
	frame := head.Bytes()
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4+len(body)))
	_, err := w.Write(append(frame, body...))
	return err
}

func TestRouteOfOldAndNewNameServers(t *testing.T) {
	const queues = `"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":2,"writeQueueNums":2},` +
		`{"brokerName":"a","perm":4,"readQueueNums":1},{"brokerName":"c","perm":2,"readQueueNums":9}]`
	for name, body := range map[string]string{
		"standard JSON":   `{"brokerDatas":[{"brokerName":"b","brokerAddrs":{"0":"10.0.0.1:1","1":"10.0.0.2:1"}}],` + queues + `}`,
		"keys not quoted": `{"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:1",1:"10.0.0.2:1"},"brokerName":"b"}],` + queues + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(header) (header, string) { return header{}, body })
			route, err := c.Route(t.Context(), "t")
			if err != nil {
				t.Fatal(err)
			}
			want := []Queue{{"a", 0}, {"b", 0}, {"b", 1}}
			if len(route.Queues) != len(want) {
				t.Fatalf("queues %v, want the readable ones %v", route.Queues, want)
			}
			for i := range want {
				if route.Queues[i] != want[i] {
					t.Errorf("queue %d is %v, want %v", i, route.Queues[i], want[i])
				}
			}
			if got := route.Masters["b"]; got != "10.0.0.1:1" {
				t.Errorf("master %q", got)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	ctx := t.Context()
	code := 0
	c := serve(t, func(req header) (header, string) {
		if req.ExtFields["Signature"] == "" || req.ExtFields["AccessKey"] != "user" {
			t.Errorf("not signed: %v", req.ExtFields)
		}
		return header{Code: code, Remark: strings.Repeat("r", 500), ExtFields: map[string]string{"offset": "42"}}, ""
	})
	if n, err := c.MaxOffset(ctx, "t", 0); n != 42 || err != nil {
		t.Errorf("offset %d, %v", n, err)
	}
	code = codeQueryNotFound
	if n, err := c.Committed(ctx, "g", "t", 0); n != NoOffset || err != nil {
		t.Errorf("never committed: %d, %v", n, err)
	}
	code = codeTopicNotExist
	if _, err := c.Route(ctx, "t"); !errors.Is(err, ErrNoTopic) {
		t.Errorf("no topic: %v", err)
	}
	code = codeGroupNotExist
	if err := c.TryPull(ctx, "g", "t", "*", 0, 1); !errors.Is(err, ErrNoGroup) {
		t.Errorf("no group: %v", err)
	}
	code = codePullNotFound
	if err := c.TryPull(ctx, "g", "t", "*", 0, 1); err != nil {
		t.Errorf("nothing to pull: %v", err)
	}
	code = codeNoPermission
	if err := c.TryPull(ctx, "g", "t", "*", 0, 1); !Denied(err) || len(err.Error()) > 300 {
		t.Errorf("denied: %v", err)
	}
}

// The signature of the official clients for these fields.
func TestSign(t *testing.T) {
	ext := map[string]string{"topic": "t", "queueId": "1"}
	Credentials{AccessKey: "user", SecretKey: "key"}.sign(ext, []byte("body"))
	// HMAC-SHA1("key", "user" + "1" + "t" + "body")
	if got, want := ext["Signature"], "a/AvAcxkZF0upoRARjyKnvl/IjA="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	plain := map[string]string{"topic": "t"}
	Credentials{}.sign(plain, nil)
	if len(plain) != 1 {
		t.Errorf("signed without credentials: %v", plain)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x06\x00\x00\x00\x02{}"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, body, err := readFrame(strings.NewReader(string(data)))
		if err == nil && len(body) > len(data) {
			t.Error("a body longer than the frame")
		}
		_, _ = decodeRoute(data)
	})
}

// Queues that messages lie in, or come into, and nobody may read are told of.
func TestHiddenQueues(t *testing.T) {
	route, err := decodeRoute([]byte(`{"queueDatas":[
		{"brokerName":"well","readQueueNums":4,"writeQueueNums":4,"perm":6},
		{"brokerName":"drained","readQueueNums":4,"writeQueueNums":0,"perm":4},
		{"brokerName":"cut","readQueueNums":1,"writeQueueNums":4,"perm":6},
		{"brokerName":"write-only","readQueueNums":4,"writeQueueNums":4,"perm":2}],"brokerDatas":[]}`))
	if err != nil || !slices.Equal(route.Hidden, []string{"cut", "write-only"}) || len(route.Queues) != 9 {
		t.Errorf("%+v, %v", route, err)
	}
}
