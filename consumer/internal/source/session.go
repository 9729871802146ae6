package source

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/hooks"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// session is the life of one client object, from its start to its shutdown.
type session struct {
	source   *Source
	handler  Handler
	observer Observer
	log      zerolog.Logger
	capacity capacity
	// route is the last one that a name server gave. Only watch uses it.
	route remoting.Route

	client pushClient
	// table reads the client's queues.
	table func() map[primitive.MessageQueue]ownedQueue
	// detach takes the client's log lines away from this source.
	detach func()

	// work is the handler's context: it outlives Run's by the time of the drain.
	work     context.Context
	stopWork context.CancelFunc
	// places bounds the messages that the handler has at once, memory their bytes.
	places   *budget
	memory   *budget
	gate     *gate
	holdings *holdings
	stuck    atomic.Int64
	// closed is closed when the client was shut down: it ignores all verdicts from then on.
	closed chan struct{}

	jumpMu sync.Mutex
	// jumps are the positions before a jump that is under way, by pullRequest.key.
	jumps map[string]int64
	// fresh are the queues in which the group had not committed when the client was started.
	fresh map[string]bool
}

// pushClient is the part of the client that is used.
type pushClient interface {
	Subscribe(topic string, selector consumer.MessageSelector,
		f func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error)) error
	Start() error
	PersistConsumerOffset() error
	Shutdown() error
}

// ownedQueue is what the client knows of one of its queues.
type ownedQueue struct {
	// committed is the position that the client will commit next.
	committed int64
	// buffered messages wait for their verdicts, first is the lowest offset of them.
	buffered int
	first    int64
}

func newSession(s *Source, found survey) (*session, error) {
	plan, err := planCapacity(s.options, len(found.route.Queues))
	if err != nil {
		return nil, err
	}
	x := &session{
		source: s, handler: s.handler, observer: s.observer, log: s.log, capacity: plan,
		places:   newBudget(int64(s.options.Concurrency)),
		memory:   newBudget(int64(s.options.BufferMiB) << 20 / 2),
		gate:     newGate(),
		holdings: newHoldings(s.observer.MessagesReleased),
		closed:   make(chan struct{}),
		jumps:    map[string]int64{},
		fresh:    map[string]bool{},
	}
	for q, offsets := range found.queues {
		if offsets.committed == remoting.NoOffset {
			x.fresh[pullRequest{topic: s.options.Topic, broker: q.Broker, queue: q.ID}.key()] = true
		}
	}
	x.work, x.stopWork = context.WithCancel(context.Background())
	client, err := consumer.NewPushConsumer(x.clientOptions(s.options)...)
	if err != nil {
		return nil, fmt.Errorf("create client: %w", err)
	}
	x.client = client
	x.table = func() map[primitive.MessageQueue]ownedQueue {
		owned := map[primitive.MessageQueue]ownedQueue{}
		for mq, info := range client.GetConsumerRunningInfo(false).MQTable {
			owned[mq] = ownedQueue{info.CommitOffset, info.CachedMsgCount, info.CachedMsgMinOffset}
		}
		return owned
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: s.options.Tag}
	if err := client.Subscribe(s.options.Topic, selector, x.consume); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return x, nil
}

func (x *session) clientOptions(o Options) []consumer.Option {
	// A callback is a pull, see turn; with more messages than are worked on at once, a drain would have to wait for parts of it.
	pull := min(o.PullBatch, o.Concurrency)
	options := []consumer.Option{
		consumer.WithNameServer(clientAddrs(o.NameServers)),
		consumer.WithGroupName(o.Group),
		consumer.WithInstance(instanceName()),
		consumer.WithConsumerModel(consumer.Clustering),
		consumer.WithConsumeMessageBatchMaxSize(pull),
		consumer.WithPullBatchSize(int32(pull)),
		consumer.WithPullThresholdForQueue(x.capacity.messages),
		consumer.WithPullThresholdSizeForQueue(x.capacity.mib),
		consumer.WithConsumeConcurrentlyMaxSpan(x.capacity.span),
		consumer.WithConsumeGoroutineNums(maxCallbacks),
		consumer.WithConsumeTimeout(o.ConsumeTimeout),
		consumer.WithFilterMessageHook([]hooks.FilterMessageHook{x.park}),
	}
	if o.AccessKey != "" {
		options = append(options, consumer.WithCredentials(primitive.Credentials{
			AccessKey: o.AccessKey, SecretKey: o.SecretKey, SecurityToken: o.SecurityToken,
		}))
	}
	return append(options, o.Start.options()...)
}

// instanceName is new for every client object: the process keeps clients by their name, and two of one name on one IP
// address are one member to the broker. The host name is for who reads the broker's list of members.
func instanceName() string {
	host, _ := os.Hostname()
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	return cmp.Or(host, "billing-consumer") + "#" + hex.EncodeToString(random)
}

// start starts the client. One that fails to start is dead: the next session makes a new one.
func (x *session) start() error {
	x.detach = clientLog.attach(&logListener{
		group: x.source.options.Group, log: x.source.client, hide: x.source.options.hide, jumpFrom: x.jumpFrom, jumpTo: x.jumpTo,
	})
	if err := x.client.Start(); err != nil {
		close(x.closed)
		x.end()
		return fmt.Errorf("start client: %w", err)
	}
	x.log.Info().Int("queue_messages", int(x.capacity.messages)).Int("queue_mib", x.capacity.mib).
		Int64("concurrency", x.places.size).Msg("client started")
	return nil
}

// end releases what the session holds beside the client.
func (x *session) end() {
	x.stopWork()
	x.detach()
	x.source.mu.Lock()
	defer x.source.mu.Unlock()
	if x.source.session == x {
		x.source.session = nil
	}
}

// run watches over the client until ctx ends, or until the topic has outgrown this client; then it drains.
func (x *session) run(ctx context.Context) {
	defer x.end()
	ticker := time.NewTicker(x.source.options.StateInterval)
	defer ticker.Stop()
	for x.watch(ctx) {
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	x.drain()
}
