package source

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/shared/testkit/stack"
)

// A group that stands at an offset the broker does not have is moved by the client without a word: here it is an event.
func TestOffsetJump(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 1)
	send(t, topic, 0, 5)
	setCommitted(t, group, topic, 100)
	m := newMemory()
	r := run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group}, m.handle)
	jumps := func() []OffsetJump {
		r.events.mu.Lock()
		defer r.events.mu.Unlock()
		return r.events.jumps
	}
	eventually(t, 40*time.Second, "the jump is told", func() bool { return len(jumps()) > 0 })
	got := jumps()[0]
	if got.Topic != topic || got.Queue != 0 || got.From != 100 || got.To != 5 {
		t.Errorf("got %+v, want from 100 to 5", got)
	}
	// The client's word of the new position and one of the old cross at times on their way to the broker; then it jumps again.
	eventually(t, 90*time.Second, "the queue is read from there", func() bool {
		queues := r.State().Queues
		return len(queues) == 1 && !queues[0].Stale && queues[0].Kept == 5
	})
	send(t, topic, 5, 5)
	eventually(t, 60*time.Second, "messages after the jump", func() bool { return m.count() == 5 })
}

func TestJumpsThatAreToldAndNot(t *testing.T) {
	at := func(offset int64) pullRequest {
		return pullRequest{group: "g", topic: "t", broker: "b", queue: 1, offset: offset}
	}
	told := func(from, to int64) []OffsetJump {
		return []OffsetJump{{Topic: "t", Broker: "b", Queue: 1, From: from, To: to}}
	}
	for _, tc := range []struct {
		name  string
		fresh bool
		lines func(*session)
		want  []OffsetJump
	}{
		{"expired unread", false, func(x *session) { x.jumpFrom(at(3)); x.jumpTo(at(9)) }, told(3, 9)},
		{"backward", false, func(x *session) { x.jumpFrom(at(9)); x.jumpTo(at(3)) }, told(9, 3)},
		{"from the start of a known group", false, func(x *session) { x.jumpFrom(at(0)); x.jumpTo(at(9)) }, told(0, 9)},
		{"a new group's first", true, func(x *session) { x.jumpFrom(at(0)); x.jumpTo(at(9)) }, nil},
		{"a new group's second", true, func(x *session) {
			x.jumpFrom(at(0))
			x.jumpTo(at(9))
			x.jumpFrom(at(9))
			x.jumpTo(at(20))
		}, told(9, 20)},
		{"without its first line", false, func(x *session) { x.jumpTo(at(9)) }, told(-1, 9)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := &events{}
			x := &session{observer: e, log: zerolog.Nop(), jumps: map[string]int64{}, fresh: map[string]bool{}}
			if tc.fresh {
				x.fresh[at(0).key()] = true
			}
			tc.lines(x)
			if !reflect.DeepEqual(e.jumps, tc.want) {
				t.Errorf("told %+v, want %+v", e.jumps, tc.want)
			}
		})
	}
}

// setCommitted moves the group's offset in the broker, as an operator's tool does (request 15).
func setCommitted(t *testing.T, group, topic string, offset int64) {
	t.Helper()
	mq := stack.Shared(t).RocketMQ
	nc, err := net.Dial("tcp", mq.Broker.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	head, _ := json.Marshal(map[string]any{
		"code": 15, "language": "GO", "version": 477, "opaque": 1, "flag": 0,
		"extFields": map[string]string{
			"consumerGroup": group, "topic": topic, "queueId": "0", "commitOffset": strconv.FormatInt(offset, 10),
		},
	})
	frame := binary.BigEndian.AppendUint32(nil, uint32(4+len(head)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(head)))
	if _, err := nc.Write(append(frame, head...)); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the offset is moved", func() bool {
		committed, err := mq.CommittedOffsets(t.Context(), group, topic)
		return err == nil && committed[0] == offset
	})
}
