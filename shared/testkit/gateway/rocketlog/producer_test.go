package rocketlog

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

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
	var offsets []int64
	for end, sum := time.Now().Add(30*time.Second), int64(0); sum < queues && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if offsets, err = mq.MaxOffsets(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
		sum = 0
		for _, n := range offsets {
			sum += n
		}
	}
	if !slices.Equal(offsets, []int64{1, 1, 1, 1}) {
		t.Errorf("the queues hold %v messages, want one each: they are used in turn", offsets)
	}
	if err := p.Send(t.Context(), Message{Topic: "no-such-topic", Body: []byte("{}")}); err == nil {
		t.Error("a missing topic took a message")
	}
}

// The client knows of queues before it knows where their broker is: the first senders of a new client meet that.
func TestManyFirstSenders(t *testing.T) {
	mq := stack.Shared(t).RocketMQ
	topic := mq.NewTopic(t, 8)
	for range 20 {
		p, err := NewProducer(ProducerConfig{NameServers: mq.NameServers()})
		if err != nil {
			t.Fatal(err)
		}
		var sending sync.WaitGroup
		for range 64 {
			sending.Go(func() {
				if err := p.Send(t.Context(), Message{Topic: topic, Body: []byte("{}")}); err != nil {
					t.Error(err)
				}
			})
		}
		sending.Wait()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
