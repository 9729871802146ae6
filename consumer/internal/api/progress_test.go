package api_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/source"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/stack"
)

// progressed is what an answer says of what may be missing.
type progressed struct {
	usage
	Lag *struct {
		Messages *int64
		Seconds  float64
	}
}

// What is said to be complete follows the broker: what lies there unrecorded counts, and nothing that was stored behind the
// first of it is called complete; with all recorded it is the present. Without a name server it is not known, and the answer
// names no machine. Who sees some APISIX consumers only is not told how much there is of all.
func TestCompleteUntil(t *testing.T) {
	t.Parallel()
	mq := stack.Shared(t).RocketMQ
	group := mq.NewGroup(t)
	options := source.Options{NameServers: mq.NameServers(), Topic: mq.NewTopic(t, 2), Group: group}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	var away atomic.Bool
	const delay = 30 * time.Second
	var log lines
	s := serve(t, []apitoken.Grant{everything("ops"), {Name: "alice", Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: []string{"alice"}}}, func(o *api.Options) {
		o.LogDelay, o.Log = delay, log.logger()
		o.Progress = func(ctx context.Context) (source.Progress, error) {
			options := options
			if away.Load() {
				options.NameServers = []string{nobody.Addr().String()}
			}
			return source.AskProgress(ctx, options)
		}
	})
	ask := func(who string) (p progressed) {
		t.Helper()
		a := s.get(who, "/v1/usage?from=today")
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		a.into(t, &p)
		return p
	}
	// The brokers of a busy machine may take longer than is waited for.
	known := func(who string) (p progressed) {
		t.Helper()
		eventually(t, "an answer of the brokers", func() bool { p = ask(who); return p.CompleteUntil != nil })
		return p
	}
	messages := func(p progressed) int64 {
		if p.Lag == nil || p.Lag.Messages == nil {
			return -1
		}
		return *p.Lag.Messages
	}
	empty := known("ops")
	if messages(empty) != 0 || empty.Lag.Seconds != 0 || empty.CompleteUntil.After(time.Now().Add(-delay)) || empty.CompleteUntil.Before(time.Now().Add(-delay-time.Minute)) {
		t.Errorf("an empty topic: %+v", empty)
	}

	sent := time.Now()
	producer, err := rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: mq.NameServers()})
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for range 5 {
		if err := producer.Send(t.Context(), rocketlog.Message{Topic: options.Topic, Body: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	var behind progressed
	eventually(t, "five messages unrecorded", func() bool { behind = known("ops"); return messages(behind) == 5 })
	// The broker's clock is this machine's.
	if at := behind.CompleteUntil.Add(delay); at.Before(sent.Truncate(time.Millisecond).Add(-2*time.Second)) || at.After(time.Now()) || behind.Lag.Seconds < 0 {
		t.Errorf("sent at %v, complete until %v, and then the delay: %+v", sent, behind.CompleteUntil, behind)
	}
	fixed := *behind.CompleteUntil
	eventually(t, "the oldest message to bound it", func() bool {
		now := known("ops")
		same := now.CompleteUntil.Equal(fixed)
		fixed = *now.CompleteUntil
		return same && now.Lag.Seconds > 2
	})
	mine := known("alice")
	if mine.Lag == nil || mine.Lag.Messages != nil || !mine.CompleteUntil.Equal(fixed) {
		t.Errorf("alice is told %+v", mine)
	}

	// What a handler has in its hands is not recorded.
	hold, began := make(chan struct{}), make(chan struct{}, 5)
	var held sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	reader, err := source.New(options, func(ctx context.Context, all []source.Message) []error {
		for range all {
			began <- struct{}{}
		}
		<-hold
		return make([]error, len(all))
	}, zerolog.Nop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	held.Go(func() {
		if err := reader.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for range 5 {
		<-began
	}
	age := known("ops").Lag.Seconds
	eventually(t, "other answers of the brokers", func() bool {
		now := known("ops")
		if messages(now) != 5 || !now.CompleteUntil.Equal(fixed) {
			t.Fatalf("with all messages in a handler: %+v", now)
		}
		return now.Lag.Seconds > age+2
	})
	close(hold)
	eventually(t, "all recorded", func() bool {
		now := known("ops")
		return messages(now) == 0 && now.CompleteUntil.Add(delay).After(sent) && now.Lag.Seconds == 0
	})
	stop()
	held.Wait()

	known("ops")
	outages := func() int { return strings.Count(log.String(), "how far the group is can't be asked now") }
	before := outages()
	away.Store(true)
	var unknown progressed
	eventually(t, "the name server missed", func() bool { unknown = ask("ops"); return unknown.CompleteUntil == nil })
	if unknown.Complete || unknown.Lag != nil || unknown.Reason == nil || *unknown.Reason != "the brokers can't be asked now" {
		t.Errorf("without a name server: %+v", unknown)
	}
	if past := ask("alice"); past.CompleteUntil != nil || past.Complete {
		t.Errorf("without a name server: %+v", past)
	}
	if n := outages() - before; n != 1 {
		t.Errorf("an outage is logged %d times", n)
	}
	away.Store(false)
	known("ops")
}

// A queue that was there and is not told of any more may hold messages that nobody has read, as when its broker is shut down
// for a while: until it is back, nothing is called complete. A fake stands for the second broker.
func TestABrokerThatIsAway(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	s := serve(t, []apitoken.Grant{everything("ops")}, func(o *api.Options) {
		o.Progress = func(context.Context) (source.Progress, error) {
			p := source.Progress{Asked: time.Now(), Queues: []source.QueueProgress{{Broker: "a"}, {Broker: "b"}}}
			if away.Load() {
				p.Queues = p.Queues[:1]
			}
			return p, nil
		}
	})
	complete := func() bool {
		var got usage
		s.get("ops", "/v1/usage?from=2026-01-01").into(t, &got)
		if got.Complete == (got.Reason != nil) || got.Complete != (got.CompleteUntil != nil) {
			t.Errorf("%+v", got)
		}
		return got.Complete
	}
	if !complete() {
		t.Error("all is recorded, and it is not complete")
	}
	away.Store(true)
	eventually(t, "nothing is complete any more", func() bool { return !complete() })
	away.Store(false)
	eventually(t, "it is complete again", complete)
}

// The last request of a time may have begun at its end: the time is complete when that one has ended, too.
func TestCompleteWaitsForTheLongestRequest(t *testing.T) {
	t.Parallel()
	for longest, want := range map[time.Duration]bool{time.Minute: true, 48 * time.Hour: false} {
		s := serve(t, []apitoken.Grant{everything("ops")}, func(o *api.Options) { o.LongestRequest = longest })
		var got usage
		day := time.Now().UTC().AddDate(0, 0, -1).Add(-time.Hour).Format(time.DateOnly)
		s.get("ops", "/v1/usage?from="+day).into(t, &got)
		if got.Complete != want || got.CompleteUntil == nil || got.CompleteUntil.Before(time.Now().Add(-time.Minute)) {
			t.Errorf("requests of at most %s: %+v", longest, got)
		}
	}
}
