package extplugin

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/api7/ext-plugin-proto/go/A6"
	"github.com/api7/ext-plugin-proto/go/A6/Err"
	"github.com/api7/ext-plugin-proto/go/A6/ExtraInfo"
	"github.com/api7/ext-plugin-proto/go/A6/HTTPReqCall"
	"github.com/api7/ext-plugin-proto/go/A6/PrepareConf"
	flatbuffers "github.com/google/flatbuffers/go"
	"go.uber.org/goleak"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var conf = Conf{{"billing-keys", `{"a":1}`}}

func exchange() *nginx.Exchange {
	return &nginx.Exchange{
		ID: "0123456789abcdef0123456789abcdef", Method: "POST", URI: "/v1/chat?a=1&flag", RemoteAddr: "10.1.2.3",
		Header: nginx.Header{{Name: "Host", Value: "h"}, {Name: "X-Two", Value: "a"}, {Name: "x-two", Value: "b"}},
	}
}

// other is the runner's side of the protocol for what the real runner can't be made to do: step is called with each
// frame and answers it.
func other(t *testing.T, step func(conn net.Conn, kind byte, payload []byte) error) *Client {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var conns []net.Conn
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns = append(conns, conn)
			go func() {
				defer conn.Close()
				for {
					kind, payload, err := readFrame(conn)
					if err != nil || step(conn, kind, payload) != nil {
						return
					}
				}
			}()
		}
	}()
	client := NewClient(listener.Addr().String(), 5*time.Second)
	t.Cleanup(func() {
		client.Close()
		listener.Close()
		<-done
		for _, conn := range conns {
			conn.Close()
		}
	})
	return client
}

func token(n uint32) []byte {
	b := flatbuffers.NewBuilder(16)
	PrepareConf.RespStart(b)
	PrepareConf.RespAddConfToken(b, n)
	b.Finish(PrepareConf.RespEnd(b))
	return b.FinishedBytes()
}

func failure(code Err.Code) []byte {
	b := flatbuffers.NewBuilder(16)
	Err.RespStart(b)
	Err.RespAddCode(b, code)
	b.Finish(Err.RespEnd(b))
	return b.FinishedBytes()
}

func pass() []byte {
	b := flatbuffers.NewBuilder(16)
	HTTPReqCall.RespStart(b)
	b.Finish(HTTPReqCall.RespEnd(b))
	return b.FinishedBytes()
}

func question(name string) []byte {
	b := flatbuffers.NewBuilder(32)
	n := b.CreateString(name)
	ExtraInfo.VarStart(b)
	ExtraInfo.VarAddName(b, n)
	info := ExtraInfo.VarEnd(b)
	ExtraInfo.ReqStart(b)
	ExtraInfo.ReqAddInfoType(b, ExtraInfo.InfoVar)
	ExtraInfo.ReqAddInfo(b, info)
	b.Finish(ExtraInfo.ReqEnd(b))
	return b.FinishedBytes()
}

func TestTheRunnerSeesTheRequest(t *testing.T) {
	var headers, args []string
	var request *HTTPReqCall.Req
	client := other(t, func(conn net.Conn, kind byte, payload []byte) error {
		if kind == typePrepareConf {
			return writeFrame(conn, kind, token(7))
		}
		request = HTTPReqCall.GetRootAsReq(payload, 0)
		var entry A6.TextEntry
		for i := range request.HeadersLength() {
			request.Headers(&entry, i)
			headers = append(headers, string(entry.Name())+"="+string(entry.Value()))
		}
		for i := range request.ArgsLength() {
			request.Args(&entry, i)
			args = append(args, string(entry.Name())+"="+string(entry.Value()))
		}
		return writeFrame(conn, kind, pass())
	})
	action, err := client.Call(t.Context(), "route/r1", conf, exchange())
	if err != nil || !reflect.DeepEqual(action, Action{}) {
		t.Fatalf("%+v, %v; want the request to pass as it is", action, err)
	}
	if want := []string{"host=h", "x-two=a", "x-two=b"}; !slices.Equal(headers, want) {
		t.Errorf("headers %q, want %q", headers, want)
	}
	if want := []string{"a=1", "flag="}; !slices.Equal(args, want) {
		t.Errorf("args %q, want %q", args, want)
	}
	if request.ConfToken() != 7 || string(request.Path()) != "/v1/chat" || request.Method() != A6.MethodPOST ||
		net.IP(request.SrcIpBytes()).String() != "10.1.2.3" {
		t.Errorf("token %d, path %s, method %s, address %v", request.ConfToken(), request.Path(), request.Method(), request.SrcIpBytes())
	}
}

func TestQuestionsAreAnswered(t *testing.T) {
	answers := make(chan []byte, 2)
	asked := 0
	client := other(t, func(conn net.Conn, kind byte, payload []byte) error {
		switch kind {
		case typePrepareConf:
			return writeFrame(conn, kind, token(1))
		case typeExtraInfo:
			answers <- ExtraInfo.GetRootAsResp(payload, 0).ResultBytes()
		}
		names := []string{"request_id", "consumer_name"}
		if asked == len(names) {
			return writeFrame(conn, typeHTTPReqCall, pass())
		}
		asked++
		return writeFrame(conn, typeExtraInfo, question(names[asked-1]))
	})
	if _, err := client.Call(t.Context(), "b", conf, exchange()); err != nil {
		t.Fatal(err)
	}
	if id := <-answers; string(id) != exchange().ID {
		t.Errorf("request_id = %q", id)
	}
	if consumer := <-answers; consumer != nil {
		t.Errorf("consumer_name of an anonymous request = %q, want no result", consumer)
	}
}

func TestAnUnknownTokenIsPreparedAgain(t *testing.T) {
	var prepared atomic.Uint32
	client := other(t, func(conn net.Conn, kind byte, payload []byte) error {
		if kind == typePrepareConf {
			return writeFrame(conn, kind, token(prepared.Add(1)))
		}
		if HTTPReqCall.GetRootAsReq(payload, 0).ConfToken() == 1 {
			return writeFrame(conn, typeError, failure(Err.CodeCONF_TOKEN_NOT_FOUND))
		}
		return writeFrame(conn, kind, pass())
	})
	for range 3 {
		if _, err := client.Call(t.Context(), "b", conf, exchange()); err != nil {
			t.Fatal(err)
		}
	}
	if n := prepared.Load(); n != 2 {
		t.Errorf("prepared %d times in 3 calls, want twice: the token is kept once it is known", n)
	}
}

func TestARunnerThatFails(t *testing.T) {
	steps := map[string]func(net.Conn, byte, []byte) error{
		"cuts the connection": func(net.Conn, byte, []byte) error { return errors.New("cut") },
		"answers nonsense":    func(c net.Conn, kind byte, _ []byte) error { return writeFrame(c, kind, []byte{1, 2, 3}) },
		"answers an error": func(c net.Conn, _ byte, _ []byte) error {
			return writeFrame(c, typeError, failure(Err.CodeSERVICE_UNAVAILABLE))
		},
		"never knows the token": func(c net.Conn, kind byte, _ []byte) error {
			if kind == typePrepareConf {
				return writeFrame(c, kind, token(1))
			}
			return writeFrame(c, typeError, failure(Err.CodeCONF_TOKEN_NOT_FOUND))
		},
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			client := other(t, step)
			if _, err := client.Call(t.Context(), "b", conf, exchange()); err == nil {
				t.Error("no error")
			}
		})
	}
	t.Run("hangs", func(t *testing.T) {
		client := other(t, func(net.Conn, byte, []byte) error { return nil })
		client.timeout = 20 * time.Millisecond
		if _, err := client.Call(t.Context(), "b", conf, exchange()); err == nil {
			t.Error("no error")
		}
	})
	t.Run("the client goes away meanwhile", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client := other(t, func(net.Conn, byte, []byte) error { cancel(); return nil })
		client.timeout = time.Hour
		if _, err := client.Call(ctx, "b", conf, exchange()); err == nil {
			t.Error("no error")
		}
	})
}

func TestAConnectionThatDiedIdleIsNotUsed(t *testing.T) {
	var calls atomic.Int32
	client := other(t, func(conn net.Conn, kind byte, _ []byte) error {
		if kind == typePrepareConf {
			return writeFrame(conn, kind, token(1))
		}
		calls.Add(1)
		writeFrame(conn, kind, pass())
		return errors.New("close after each call")
	})
	for range 5 {
		if _, err := client.Call(t.Context(), "b", conf, exchange()); err != nil {
			t.Fatal(err)
		}
		for { // until the other side's close has arrived
			client.mu.Lock()
			dead := len(client.idle) == 0 || !alive(client.idle[0])
			client.mu.Unlock()
			if dead {
				break
			}
		}
	}
	if calls.Load() != 5 {
		t.Errorf("%d calls arrived, want 5", calls.Load())
	}
}
