package source

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"

	"gateway-billing.internal/shared/testkit/stack"
)

// What an older consumer of the group sent back is read from the retry topic, with where it was read and how often.
func TestMessagesThatAnOlderConsumerSentBack(t *testing.T) {
	t.Parallel()
	mq := stack.Shared(t).RocketMQ
	topic, group := newTopic(t, 2)
	const total = 10
	send(t, topic, 0, total)
	older, err := consumer.NewPushConsumer(
		consumer.WithNsResolver(primitive.NewPassthroughResolver(nameServers(t))), consumer.WithGroupName(group),
		consumer.WithInstance(instanceName()), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	refuse := func(_ context.Context, msgs ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		if msgs[0].ReconsumeTimes > 0 {
			<-gone
		}
		return consumer.ConsumeRetryLater, nil
	}
	if err := older.Subscribe(topic, consumer.MessageSelector{}, refuse); err != nil {
		t.Fatal(err)
	}
	if err := older.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "all are in the retry topic", func() bool {
		sent, err := mq.MaxOffsets(t.Context(), stack.RetryTopic(group))
		return err == nil && sent[0] == total
	})
	// It tells the broker of that every 5 s, and not always at its end: what it does not tell of comes anew.
	o := Options{NameServers: nameServers(t), Topic: topic, Group: group}
	eventually(t, 60*time.Second, "the broker knows that they were read", func() bool {
		p, err := AskProgress(t.Context(), o)
		return err == nil && !slices.ContainsFunc(p.Queues, func(q QueueProgress) bool { return q.Topic == topic && q.Unrecorded() > 0 })
	})
	if err := older.Shutdown(); err != nil {
		t.Fatal(err)
	}
	close(gone)

	m := newMemory()
	run(t, o, m.handle)
	eventually(t, 60*time.Second, "all come again", func() bool { return m.count() == total })
	m.mu.Lock()
	defer m.mu.Unlock()
	for b, got := range m.messages {
		if got[0].Reconsumed != 1 || got[0].Topic != stack.RetryTopic(group) || len(got[0].MsgID) != 32 {
			t.Errorf("%s: %+v", b, got[0])
		}
	}
}

// A message of a topic that the group read once, in front of ours in the retry topic, holds nobody up: it goes the way of
// all others, and nothing is sent back.
func TestRetryTopicWithAMessageOfAnotherTopic(t *testing.T) {
	t.Parallel()
	mq := stack.Shared(t).RocketMQ
	topic, group := newTopic(t, 1)
	retry := stack.RetryTopic(group)
	p := newProducer(t, nameServers(t), "", "")
	for i, origin := range []string{"other", topic, topic, topic} {
		message := primitive.NewMessage(retry, []byte(body(i)))
		message.WithProperty(primitive.PropertyRetryTopic, origin)
		if _, err := p.SendSync(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	m := newMemory()
	r := run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group}, m.handle)
	eventually(t, 60*time.Second, "all are recorded", func() bool { return m.count() == 4 && r.State().Held == 0 })
	m.check(t, 4)
	if sent, err := mq.MaxOffsets(t.Context(), retry); err != nil || sent[0] != 4 {
		t.Errorf("the retry topic holds %v messages, want those 4; %v", sent, err)
	}
}
