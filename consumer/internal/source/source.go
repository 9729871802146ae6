package source

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// Message is one RocketMQ message.
type Message struct {
	record.Origin
	// Body is the handler's to read, not to change or keep.
	Body []byte
	// Reconsumed is how often the broker delivered it again after an earlier consumer sent it back.
	Reconsumed int
}

// Handler records messages of one queue, in their order. It returns when what they hold is committed, and blocks while that is
// not possible: with nil, or with an error for each message that is not recorded and nil for the others. There is an error
// only where ctx ended before, or where the handler is at fault. It is called from many goroutines at once.
type Handler func(ctx context.Context, messages []Message) (errs []error)

// Source reads a topic as a member of a group and hands each message to a handler. See the package comment.
type Source struct {
	options Options
	handler Handler
	log     zerolog.Logger
	// client is the logger of the client's own lines.
	client   zerolog.Logger
	observer Observer
	// retention is of Run's goroutine.
	retention retentions

	mu    sync.Mutex
	state State
	// session is nil while not connected.
	session *session
}

// New checks the options and returns all that is wrong with them. observer may be nil. Nothing starts before Run.
func New(options Options, handler Handler, log zerolog.Logger, observer Observer) (*Source, error) {
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return nil, err
	}
	if observer == nil {
		observer = nopObserver{}
	}
	return &Source{
		options:   options,
		handler:   handler,
		log:       log.With().Str("component", "source").Str("group", options.Group).Logger(),
		client:    log.With().Str("component", "rocketmq-client").Str("group", options.Group).Logger(),
		observer:  observer,
		retention: retentions{},
		state:     State{Reasons: []string{"not started"}},
	}, nil
}

// Run reads until ctx ends, drains within DrainLimit, and returns nil. It is called once. It connects again and again
// while there is no name server, no topic, no broker, or no permission; State says which.
func (s *Source) Run(ctx context.Context) error {
	defer s.stopped()
	wait := backoff{low: time.Second, high: 30 * time.Second}
	for ctx.Err() == nil {
		session, err := s.connect(ctx)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			s.observer.ConnectFailed()
			s.notReady(err.Error())
			wait.sleep(ctx)
			continue
		}
		wait.reset()
		session.run(ctx)
	}
	return nil
}

// backoff is a growing delay with ±20 % jitter.
type backoff struct {
	low, high time.Duration
	next      time.Duration
}

func (b *backoff) reset() { b.next = 0 }

func (b *backoff) sleep(ctx context.Context) {
	delay := cmp.Or(b.next, b.low)
	b.next = min(2*delay, b.high)
	delay += time.Duration((rand.Float64()*0.4 - 0.2) * float64(delay)) //nolint:gosec // spread, not secrecy
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// connect looks whether everything is there and starts a client only then: one that fails to start is dead and leaves
// its goroutines behind.
func (s *Source) connect(ctx context.Context) (*session, error) {
	found := s.survey(ctx, remoting.Route{}, nil)
	s.looked(found)
	if !found.usable() {
		return nil, errors.New(strings.Join(found.reasons(), "; "))
	}
	if err := s.checkRetryTopic(ctx, found.route); err != nil {
		return nil, err
	}
	session, err := newSession(s, found)
	if err != nil {
		return nil, err
	}
	if err := session.start(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.session = session
	s.mu.Unlock()
	session.route = found.route
	s.surveyed(found, nil)
	return session, nil
}
