package rocketlog

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// ProducerConfig says where to send to.
type ProducerConfig struct {
	// NameServers are host:port addresses.
	NameServers []string
	// AccessKey and SecretKey are empty where the broker asks for none.
	AccessKey, SecretKey string
}

// Producer is a Sender to a real RocketMQ: synchronous sends to the topic's queues in turn, one attempt each, bodies not
// compressed, a new msgId each time. Topics must exist.
type Producer struct{ client rocketmq.Producer }

var instances atomic.Int64

// The client library has one logger for the whole process, which may be set only before a client runs.
func init() { rlog.SetLogger(silent{}) }

// NewProducer connects to RocketMQ. Errors come back from Send: the client library is silent in a process that has this package.
func NewProducer(config ProducerConfig) (*Producer, error) {
	options := []producer.Option{
		producer.WithNameServer(config.NameServers),
		producer.WithGroupName("apisixLogProducer"),
		producer.WithInstanceName(fmt.Sprintf("gateway-%d-%d", os.Getpid(), instances.Add(1))),
		producer.WithQueueSelector(producer.NewRoundRobinQueueSelector()),
		producer.WithCompressMsgBodyOverHowmuch(math.MaxInt),
		producer.WithRetry(0),
	}
	if config.AccessKey != "" {
		options = append(options, producer.WithCredentials(primitive.Credentials{
			AccessKey: config.AccessKey, SecretKey: config.SecretKey,
		}))
	}
	client, err := rocketmq.NewProducer(options...)
	if err != nil {
		return nil, fmt.Errorf("RocketMQ producer: %w", err)
	}
	if err := client.Start(); err != nil {
		return nil, fmt.Errorf("RocketMQ producer: %w", err)
	}
	return &Producer{client}, nil
}

// Send sends a message and waits for the broker's confirmation.
func (p *Producer) Send(ctx context.Context, m Message) error {
	result, err := p.send(ctx, m)
	for tries := 1; unaddressed(err, m.Topic) && tries < routeTries && ctx.Err() == nil; tries++ {
		time.Sleep(routeTick)
		result, err = p.send(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("send to topic %s: %w", m.Topic, err)
	}
	if result.Status != primitive.SendOK {
		return fmt.Errorf("send to topic %s: the broker answered status %d", m.Topic, result.Status)
	}
	return nil
}

// How often, and how far apart, a message is tried while the client has a topic's queues without its brokers' addresses.
const (
	routeTries = 100
	routeTick  = 10 * time.Millisecond
)

// unaddressed says that the client chose a queue and then did not know its broker's address, so that nothing was sent. It
// publishes a new topic's queues to its senders before it stores the addresses (UpdateTopicRouteInfoWithDefault). For a
// topic that does not exist it says "the topic=…".
func unaddressed(err error, topic string) bool {
	return err != nil && err.Error() == "topic="+topic+" route info not found"
}

func (p *Producer) send(ctx context.Context, m Message) (*primitive.SendResult, error) {
	message := primitive.NewMessage(m.Topic, m.Body)
	if m.Tag != "" {
		message.WithTag(m.Tag)
	}
	if m.Key != "" {
		message.WithKeys([]string{m.Key})
	}
	return p.client.SendSync(ctx, message)
}

// Close ends the connections.
func (p *Producer) Close() error {
	if err := p.client.Shutdown(); err != nil {
		return fmt.Errorf("close RocketMQ producer: %w", err)
	}
	return nil
}

// silent drops the client library's log lines, which hold addresses and whole messages.
type silent struct{}

// Debug drops the line, as all others do.
func (silent) Debug(string, map[string]any) {}

// Info drops the line.
func (silent) Info(string, map[string]any) {}

// Warning drops the line.
func (silent) Warning(string, map[string]any) {}

// Error drops the line: what matters comes back from Send.
func (silent) Error(string, map[string]any) {}

// Fatal drops the line, and does not end the process as the library's own logger would.
func (silent) Fatal(string, map[string]any) {}

// Level changes nothing.
func (silent) Level(string) {}

// OutputPath changes nothing.
func (silent) OutputPath(string) error { return nil }
