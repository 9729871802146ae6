package remoting

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// encode is a message as brokers keep it.
func encode(offset int64, stored time.Time, body, properties string) []byte {
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.BigEndian, v)
		}
	}
	put(int32(0), int32(0), int32(0), int32(3), int32(0), offset, int64(4096), int32(0), int64(1))
	put([]byte{127, 0, 0, 1}, int32(9), stored.UnixMilli(), []byte{127, 0, 0, 1}, int32(10), int32(0), int64(0))
	put(int32(len(body)), []byte(body), uint8(1), []byte("t"), int16(len(properties)), []byte(properties))
	binary.BigEndian.PutUint32(b.Bytes(), uint32(b.Len()))
	return b.Bytes()
}

func TestPull(t *testing.T) {
	at := time.UnixMilli(1795347865715).UTC()
	two := string(encode(7, at, "first", "UNIQ_KEY\x01M1\x02TAGS\x01a\x02KEYS\x01k\x02")) + string(encode(9, at, "second", ""))
	for _, tt := range []struct {
		code     int
		body     string
		messages int
		moved    bool
	}{
		{codeSuccess, two, 2, false},
		{codePullRetryNow, "", 0, false},
		{codePullNotFound, "", 0, false},
		{codePullOffsetMoved, "", 0, true},
	} {
		c := serve(t, func(req header) (header, string) {
			if req.Code != reqPullMessage || req.ExtFields["commitOffset"] != "0" || req.ExtFields["sysFlag"] != "4" {
				t.Errorf("asked %d with %v: it must neither commit nor wait", req.Code, req.ExtFields)
			}
			return header{Code: tt.code, ExtFields: map[string]string{"nextBeginOffset": "10"}}, tt.body
		})
		p, err := c.Pull(t.Context(), PullRequest{Group: "g", Topic: "t", Tag: "*", Queue: 3, Offset: 7, Max: 9})
		if err != nil || len(p.Messages) != tt.messages || p.Next != 10 || p.Moved != tt.moved {
			t.Errorf("code %d: %+v, %v", tt.code, p, err)
		}
		if len(p.Messages) == 0 {
			continue
		}
		m := p.Messages[0]
		if m.Offset != 7 || m.MsgID != "M1" || m.Tags != "a" || m.Keys != "k" || !m.StoreTime.Equal(at) || string(m.Body) != "first" {
			t.Errorf("message %+v", m)
		}
	}
}

// What is no message of a broker is an error and ends nothing.
func FuzzDecodeMessages(f *testing.F) {
	f.Add(encode(7, time.UnixMilli(1), "body", "UNIQ_KEY\x01M1\x02"))
	f.Add([]byte("not a message"))
	f.Fuzz(func(t *testing.T, body []byte) {
		messages, err := decodeMessages(body)
		if err != nil && messages != nil {
			t.Error("messages beside an error")
		}
	})
}
