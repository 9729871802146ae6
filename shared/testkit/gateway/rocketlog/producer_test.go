package rocketlog

import (
	"bytes"
	"slices"
	"testing"

	"gateway-billing.internal/shared/testkit/stack"
)

func TestSendsToARealRocketMQ(t *testing.T) {
	mq := stack.Shared(t).RocketMQ
	const queues = 4
	topic := mq.NewTopic(t, queues)
	p, err := NewProducer(ProducerConfig{NameServers: mq.NameServers()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()

	m := Message{Topic: topic, Tag: "tag", Key: "key", Body: bytes.Repeat([]byte{'a', 0xff, 0}, 5000)}
	ids := map[string]bool{}
	for range queues {
		result, err := p.send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		ids[result.MsgID] = true
	}
	if len(ids) != queues {
		t.Errorf("%d msgIds for %d sends of one message", len(ids), queues)
	}
	offsets, err := mq.MaxOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(offsets, []int64{1, 1, 1, 1}) {
		t.Errorf("the queues hold %v messages, want one each: they are used in turn", offsets)
	}
	if err := p.Send(t.Context(), Message{Topic: "no-such-topic", Body: []byte("{}")}); err == nil {
		t.Error("a missing topic took a message")
	}
}
