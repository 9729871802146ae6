package source

import (
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// A broker that is killed and comes again: the source says that it is away, and goes on by itself.
func TestBrokerRestart(t *testing.T) {
	t.Parallel()
	mq := stack.StartRocketMQ(t, stack.RocketMQOptions{})
	topic, group := mq.NewTopic(t, 4), mq.NewGroup(t)
	m := newMemory()
	r := run(t, Options{NameServers: mq.NameServers(), Topic: topic, Group: group, DrainLimit: 4 * time.Second}, m.handle)
	p := newProducer(t, mq.NameServers(), "", "")
	sendWith(t, p, topic, 0, 100)
	eventually(t, 30*time.Second, "messages before", func() bool { return m.count() == 100 })

	eventually(t, 30*time.Second, "all queues read, and the broker's word on them", func() bool {
		state, kept := r.State(), int64(0)
		for _, q := range state.Queues {
			if q.Lag != 0 || q.Stale || q.Retention != 4*time.Hour {
				return false
			}
			kept += q.Kept
		}
		return kept == 100 && len(state.Brokers) == 1 && state.Brokers[0].Up
	})

	if err := mq.Broker.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "not ready, naming the broker", func() bool {
		return strings.Contains(strings.Join(r.State().Reasons, ";"), "broker ")
	})
	if state := r.State(); state.Brokers[0].Up || !state.NameServer || len(state.Queues) != 4 || !state.Queues[0].Stale {
		t.Errorf("the broker's queues are not as it left them: %+v", state)
	}
	if err := mq.Broker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	eventually(t, 60*time.Second, "ready", func() bool { return r.State().Ready() })
	p = newProducer(t, mq.NameServers(), "", "") // a new one: the old one's recovery is not the question
	sendWith(t, p, topic, 100, 100)
	eventually(t, 90*time.Second, "messages after", func() bool { return m.count() == 200 })
	t.Logf("went on %v after the broker was back", time.Since(started).Round(time.Second))

	// A broker that does not answer does not keep the process from ending.
	if err := mq.Broker.Pause(); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	r.stop()
	if took := time.Since(stopped); took > 5*time.Second {
		t.Errorf("the drain took %v with a limit of 4 s", took)
	}
	if err := mq.Broker.Resume(); err != nil {
		t.Fatal(err)
	}
}

// While the name server is away, a running source goes on reading, and says what is away.
func TestNameServerGoesAndComes(t *testing.T) {
	t.Parallel()
	mq := stack.StartRocketMQ(t, stack.RocketMQOptions{})
	topic, group := mq.NewTopic(t, 2), mq.NewGroup(t)
	m := newMemory()
	r := run(t, Options{NameServers: mq.NameServers(), Topic: topic, Group: group}, m.handle)
	p := newProducer(t, mq.NameServers(), "", "")
	sendWith(t, p, topic, 0, 10)
	eventually(t, 30*time.Second, "messages before", func() bool { return m.count() == 10 })
	if err := mq.NameServer.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "not ready, naming the name server", func() bool {
		return strings.Contains(strings.Join(r.State().Reasons, ";"), "name server ")
	})
	if state := r.State(); state.NameServer || !state.Brokers[0].Up {
		t.Errorf("it is the name server that is away: %+v", state)
	}
	sendWith(t, p, topic, 10, 10)
	eventually(t, 30*time.Second, "messages meanwhile", func() bool { return m.count() == 20 })
	if err := mq.NameServer.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "ready", func() bool { return r.State().Ready() })
}
