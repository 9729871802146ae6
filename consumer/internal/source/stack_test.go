package source

import (
	"context"
	"testing"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"gateway-billing.internal/shared/testkit/stack"
)

func nameServers(t *testing.T) []string { return stack.Shared(t).RocketMQ.NameServers() }

// newTopic makes a topic and a group that no other test has.
func newTopic(t *testing.T, queues int) (topic, group string) {
	t.Helper()
	mq := stack.Shared(t).RocketMQ
	return mq.NewTopic(t, queues), mq.NewGroup(t)
}

func newProducer(t *testing.T, nameServers []string, accessKey, secretKey string) rocketmq.Producer {
	t.Helper()
	p, err := rocketmq.NewProducer(
		producer.WithNsResolver(primitive.NewPassthroughResolver(nameServers)),
		producer.WithInstanceName(instanceName()), producer.WithGroupName("test"), producer.WithRetry(5),
		producer.WithCredentials(primitive.Credentials{AccessKey: accessKey, SecretKey: secretKey}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Shutdown() })
	return p
}

// send sends messages with the bodies from..from+n-1 to the shared RocketMQ.
func send(t *testing.T, topic string, from, n int) {
	t.Helper()
	sendWith(t, newProducer(t, nameServers(t), "", ""), topic, from, n)
}

func sendWith(t *testing.T, p rocketmq.Producer, topic string, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		if _, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte(body(i)))); err != nil {
			t.Errorf("send %s: %v", body(i), err)
			return
		}
	}
}
