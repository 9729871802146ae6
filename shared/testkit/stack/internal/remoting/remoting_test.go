package remoting

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server answers each connection with the bytes that answer makes of the request's frame, and keeps the connection open
// where it makes none.
func server(t *testing.T, answer func(frame []byte) []byte) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			var length [4]byte
			io.ReadFull(conn, length[:])
			frame := make([]byte, binary.BigEndian.Uint32(length[:]))
			io.ReadFull(conn, frame)
			if bytes := answer(frame); bytes != nil {
				conn.Write(bytes)
			} else {
				io.Copy(io.Discard, conn)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func frame(header, body string) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(body)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(header)))
	return append(out, header+body...)
}

func TestCall(t *testing.T) {
	var got []byte
	addr := server(t, func(request []byte) []byte {
		got = request
		return frame(`{"code":0,"extFields":{"offset":"7"},"flag":1,"language":"JAVA","opaque":1}`, "answer")
	})
	response, err := Client{}.Call(t.Context(), addr,
		Request{Code: 30, Fields: map[string]string{"topic": "t"}, Body: []byte("question")})
	if err != nil {
		t.Fatal(err)
	}
	if response.Fields["offset"] != "7" || string(response.Body) != "answer" {
		t.Errorf("answer %+v", response)
	}
	length := binary.BigEndian.Uint32(got)
	var header struct {
		Code   int
		Fields map[string]string `json:"extFields"`
	}
	if err := json.Unmarshal(got[4:4+length], &header); err != nil {
		t.Fatal(err)
	}
	if header.Code != 30 || header.Fields["topic"] != "t" || string(got[4+length:]) != "question" {
		t.Errorf("request %s", got)
	}
}

func TestCallFails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer []byte
		want   string
	}{
		{"refused", frame(`{"code":16,"remark":"not writable"}`, ""), "answer code 16: not writable"},
		{"header longer than the frame", []byte{0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 0, 0}, "no frame"},
		{"frame too long", []byte{127, 0, 0, 0, 0, 0, 0, 5}, "no frame"},
		{"frame too short", []byte{0, 0, 0, 0, 0, 0, 0, 0}, "no frame"},
		{"header of another encoding", []byte{0, 0, 0, 8, 1, 0, 0, 4, 0, 0, 0, 0}, "no frame"},
		{"header is no JSON", frame("nonsense", ""), "header of the answer"},
		{"cut", frame(`{"code":0}`, "body")[:15], io.ErrUnexpectedEOF.Error()},
		{"nothing", []byte{}, io.EOF.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr := server(t, func([]byte) []byte { return tc.answer })
			_, err := Client{}.Call(t.Context(), addr, Request{Code: 30})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), addr) {
				t.Errorf("error %v, want %q and the address in it", err, tc.want)
			}
		})
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	addr := server(t, func([]byte) []byte { return nil })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := (Client{}).Call(ctx, addr, Request{Code: 30}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestSign(t *testing.T) {
	// Computed apart: HMAC-SHA1 under "secret" over "key" (AccessKey), "1" (a), "2" (b), "body", in base64.
	const want = "RO+2E9a0n4A4OVx5POCCEy+V7cw="
	request := Request{Fields: map[string]string{"b": "2", "a": "1"}, Body: []byte("body")}
	signed := Client{AccessKey: "key", SecretKey: "secret"}.sign(request)
	if signed.Fields["Signature"] != want || signed.Fields["AccessKey"] != "key" {
		t.Errorf("fields %v, want the signature %s", signed.Fields, want)
	}
	if len(request.Fields) != 2 {
		t.Error("the caller's fields were changed")
	}
	if plain := (Client{}).sign(request); len(plain.Fields) != 2 {
		t.Errorf("signed without credentials: %v", plain.Fields)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(frame(`{"code":0}`, "body"))
	f.Add([]byte{0, 0, 0, 8, 1, 0, 0, 4, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, input []byte) {
		response, err := read(bytes.NewReader(input))
		if err == nil && len(response.Body) > len(input) {
			t.Error("a body out of nowhere")
		}
	})
}
