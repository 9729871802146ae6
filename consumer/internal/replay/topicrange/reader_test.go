package topicrange

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gateway-billing.internal/consumer/internal/replay"
	"gateway-billing.internal/consumer/internal/source/sourcetest"
)

// The replay's flow brings the RocketMQ client's goroutines along.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, sourcetest.ClientLeaks()...) }

// start is when the first message was stored; each next one a second later.
var start = time.UnixMilli(1795347865000).UTC()

// expiring is a name server and broker of one queue in one, since no real broker can be made to expire messages, or to
// break off a pull, at a moment of a test's choice. It keeps the messages from oldest to behind-1.
type expiring struct {
	mu             sync.Mutex
	oldest, behind int64
	tags           func(offset int64) string
	// cut is how many of the next pulls end with their connection, stuck how many bring nothing and lead nowhere.
	cut, stuck int
	// search is what the broker answers to a search by time, nil for the truth.
	search func(ms int64) int64
	addr   string
}

func newExpiring(t *testing.T, oldest, behind int64) *expiring {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &expiring{oldest: oldest, behind: behind, addr: l.Addr().String(), tags: func(int64) string { return "" }}
	var serving sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			serving.Go(func() { defer conn.Close(); e.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return e
}

type frame struct {
	Code      int               `json:"code"`
	Opaque    int32             `json:"opaque"`
	Flag      int               `json:"flag"`
	ExtFields map[string]string `json:"extFields"`
}

func (e *expiring) serve(conn net.Conn) {
	for {
		var size [8]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		head := make([]byte, binary.BigEndian.Uint32(size[:])-4)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		var request frame
		if json.Unmarshal(head, &request) != nil {
			return
		}
		answer, body, ok := e.answer(request)
		if !ok {
			return
		}
		answer.Opaque, answer.Flag = request.Opaque, 1
		head, _ = json.Marshal(answer)
		out := binary.BigEndian.AppendUint32(nil, uint32(4+len(head)+len(body)))
		out = binary.BigEndian.AppendUint32(out, uint32(len(head)))
		if _, err := conn.Write(slices.Concat(out, head, body)); err != nil {
			return
		}
	}
}

func (e *expiring) answer(request frame) (answer frame, body []byte, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	offset := func(n int64) (frame, []byte, bool) {
		return frame{ExtFields: map[string]string{"offset": strconv.FormatInt(n, 10)}}, nil, true
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(request.ExtFields[name], 10, 64)
		return n
	}
	switch request.Code {
	case 105: // the route
		return frame{}, []byte(`{"brokerDatas":[{"brokerName":"b","brokerAddrs":{"0":"` + e.addr + `"}}],` +
			`"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":1}]}`), true
	case 29: // search by time
		if e.search != nil {
			return offset(e.search(number("timestamp")))
		}
		return offset(min(max((number("timestamp")-start.UnixMilli()+999)/1000, e.oldest), e.behind))
	case 30:
		return offset(e.behind)
	case 31:
		return offset(e.oldest)
	}
	at := number("queueOffset")
	if e.cut > 0 {
		e.cut--
		return frame{}, nil, false
	}
	if e.stuck > 0 {
		e.stuck--
		return frame{Code: 20, ExtFields: map[string]string{"nextBeginOffset": strconv.FormatInt(at, 10)}}, nil, true
	}
	if at < e.oldest {
		return frame{Code: 21, ExtFields: map[string]string{"nextBeginOffset": strconv.FormatInt(e.oldest, 10)}}, nil, true
	}
	next := at
	for ; next < min(e.behind, at+min(number("maxMsgNums"), 4)); next++ {
		body = append(body, message(next, e.tags(next))...)
	}
	if next == at {
		return frame{Code: 19, ExtFields: map[string]string{"nextBeginOffset": strconv.FormatInt(at, 10)}}, nil, true
	}
	return frame{ExtFields: map[string]string{"nextBeginOffset": strconv.FormatInt(next, 10)}}, body, true
}

// message is a message as brokers keep it: its body is its offset.
func message(offset int64, tags string) []byte {
	body, properties := strconv.FormatInt(offset, 10), "UNIQ_KEY\x01M"+strconv.FormatInt(offset, 10)+"\x02"
	if tags != "" {
		properties += "TAGS\x01" + tags + "\x02"
	}
	var b bytes.Buffer
	for _, v := range []any{
		int32(0), int32(0), int32(0), int32(0), int32(0), offset, int64(4096), int32(0), int64(1), []byte{127, 0, 0, 1}, int32(9),
		start.Add(time.Duration(offset) * time.Second).UnixMilli(), []byte{127, 0, 0, 1}, int32(10), int32(0), int64(0),
		int32(len(body)), []byte(body), uint8(1), []byte("t"), int16(len(properties)), []byte(properties),
	} {
		_ = binary.Write(&b, binary.BigEndian, v)
	}
	binary.BigEndian.PutUint32(b.Bytes(), uint32(b.Len()))
	return b.Bytes()
}

// options read the seconds from to to.
func (e *expiring) options(from, to int, say func(string)) Options {
	return Options{
		NameServers: []string{e.addr}, Topic: "t", Tag: "*", Group: "g", Say: say,
		From: start.Add(time.Duration(from) * time.Second), To: start.Add(time.Duration(to) * time.Second),
	}
}

// read reads to the end, which must come.
func read(t *testing.T, o Options, positions map[string]replay.Position) (offsets []int64, notes []string) {
	t.Helper()
	r, err := Open(t.Context(), o, positions)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		item, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			if _, part := r.Progress(); part != 1 {
				t.Errorf("at the end, %v is read", part)
			}
			return offsets, r.Notes()
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := strconv.FormatInt(item.Origin.Offset, 10); string(item.Body) != want || item.Origin.MsgID != "M"+want {
			t.Errorf("message %+v", item)
		}
		offsets = append(offsets, item.Origin.Offset)
	}
}

func span(from, to int64) (all []int64) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func TestStretch(t *testing.T) {
	e := newExpiring(t, 0, 100)
	for _, tt := range []struct{ from, to, first, behind int }{
		{20, 30, 20, 30}, {-50, 5, 0, 5}, {95, 200, 95, 100}, {-50, -10, 0, 0}, {200, 300, 0, 0}, {-50, 200, 0, 100},
	} {
		for name, search := range map[string]func(int64) int64{
			"exact": nil,
			// Before 5.x: the neighbour that is closer to the time, and the last message for a time behind all.
			"neighbour": func(ms int64) int64 { return min(max((ms-start.UnixMilli()+400)/1000, 0), 99) },
		} {
			e.mu.Lock()
			e.search = search
			e.mu.Unlock()
			if got, notes := read(t, e.options(tt.from, tt.to, nil), nil); !slices.Equal(got, span(int64(tt.first), int64(tt.behind))) || len(notes) > 0 {
				t.Errorf("%d to %d, %s: %v, %q", tt.from, tt.to, name, got, notes)
			}
		}
	}
}

// What has expired of the stretch is told, and only that.
func TestExpired(t *testing.T) {
	for _, tt := range []struct {
		from, to int
		oldest   int64
		resumed  int64 // -1 for not
		first    int64
		note     string
	}{
		{20, 90, 40, -1, 40, "stored at 2026-11-22T"},
		{50, 90, 40, -1, 50, ""},
		{20, 90, 100, -1, 90, "all before offset 100 has expired"},
		{20, 90, 40, 60, 60, ""},
		{20, 90, 40, 30, 40, "from offset 30 to 39 have expired since the last run"},
	} {
		e := newExpiring(t, tt.oldest, 100)
		positions := map[string]replay.Position{}
		if tt.resumed >= 0 {
			positions["b/0"] = replay.Position{Next: tt.resumed}
		}
		got, notes := read(t, e.options(tt.from, tt.to, nil), positions)
		if !slices.Equal(got, span(tt.first, 90)) || (len(notes) > 0) != (tt.note != "") || tt.note != "" && !strings.Contains(notes[0], tt.note) {
			t.Errorf("%+v: read %v, notes %q", tt, got, notes)
		}
	}
}

// Messages that expire while the stretch is read are told too.
func TestExpiresMeanwhile(t *testing.T) {
	e := newExpiring(t, 0, 100)
	r, err := Open(t.Context(), e.options(0, 90, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.mu.Lock()
	e.oldest = 50
	e.mu.Unlock()
	last := int64(-1)
	for {
		item, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = item.Origin.Offset
	}
	if notes := r.Notes(); last != 89 || len(notes) != 1 || !strings.Contains(notes[0], "from offset 4 to 49 have expired") {
		t.Errorf("read up to %d, notes %q", last, notes)
	}
}

// Of the tags, exactly those of the expression are read: the broker only compares hashes.
func TestTags(t *testing.T) {
	e := newExpiring(t, 0, 9)
	e.tags = func(offset int64) string { return string("abc"[offset%3]) }
	o := e.options(-1, 90, nil)
	o.Tag = "a || c"
	if got, _ := read(t, o, nil); !slices.Equal(got, []int64{0, 2, 3, 5, 6, 8}) {
		t.Errorf("read %v", got)
	}
}

// A broker that answers, but neither gives what it has nor says where to go on, is waited for: its queue is not taken for
// read.
func TestBrokerThatIsStuck(t *testing.T) {
	e := newExpiring(t, 0, 20)
	e.mu.Lock()
	e.stuck = 2
	e.mu.Unlock()
	var said []string
	if got, _ := read(t, e.options(-1, 90, func(s string) { said = append(said, s) }), nil); !slices.Equal(got, span(0, 20)) {
		t.Errorf("read %v", got)
	}
	if len(said) != 2 || !strings.Contains(said[0], "gives nothing") {
		t.Errorf("said %q", said)
	}
}

// A broker that breaks off is waited for, and the operator is told; nothing is read twice or left out.
func TestBrokerThatBreaksOff(t *testing.T) {
	e := newExpiring(t, 0, 20)
	cut := func(n int) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.cut = n
	}
	cut(2)
	var said []string
	if got, _ := read(t, e.options(-1, 90, func(s string) { said = append(said, s) }), nil); !slices.Equal(got, span(0, 20)) {
		t.Errorf("read %v", got)
	}
	if len(said) != 2 || !strings.Contains(said[0], "waiting for broker b") || !strings.Contains(said[1], "answers again") {
		t.Errorf("said %q", said)
	}
	cut(1 << 30)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Open(ctx, e.options(-1, 90, func(string) { cancel() }), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted while waiting: %v", err)
	}
}
