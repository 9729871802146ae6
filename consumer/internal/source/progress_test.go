package source

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/source/remoting"
	"gateway-billing.internal/shared/testkit/stack"
)

// How far the group is follows what it records, whoever asks: nothing, all, and all but the latest.
func TestProgress(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 2)
	o := Options{NameServers: nameServers(t), Topic: topic, Group: group}
	ask := func() Progress {
		t.Helper()
		p, err := AskProgress(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Queues) != 3 || p.Queues[2].Topic != RetryTopic(group) {
			t.Fatalf("%+v, want 2 queues of the topic and one of the retry topic", p.Queues)
		}
		return p
	}
	if p := ask(); unrecorded(p) != 0 || !p.CompleteUntil().Equal(p.Asked.Add(-settling)) {
		t.Errorf("an empty topic: %+v, complete until %v", p, p.CompleteUntil())
	}

	before := time.Now()
	send(t, topic, 0, 9)
	p := ask()
	if got := unrecorded(p); got != 9 {
		t.Errorf("%d messages unrecorded of 9 that nobody read", got)
	}
	first := storeTimes(t, topic, p)[0]
	if first.Before(before.Add(-time.Second)) || p.CompleteUntil().After(first) {
		t.Errorf("complete until %v: the first message was stored at %v, sent at %v", p.CompleteUntil(), first, before)
	}
	eventually(t, 10*time.Second, "complete up to the first message", func() bool { return ask().CompleteUntil().Equal(first) })

	m := newMemory()
	r := run(t, o, m.handle)
	eventually(t, 30*time.Second, "all is recorded", func() bool { return m.count() == 9 })
	r.stop() // which commits
	if p := ask(); unrecorded(p) != 0 || !p.CompleteUntil().Equal(p.Asked.Add(-settling)) {
		t.Errorf("all is recorded: %+v", p)
	}
	send(t, topic, 9, 1)
	p = ask()
	want := storeTimes(t, topic, p)
	if unrecorded(p) != 1 || len(want) != 1 {
		t.Fatalf("%d unrecorded, want 1 and its time %v", unrecorded(p), want)
	}
	eventually(t, 10*time.Second, "complete up to the latest message", func() bool { return ask().CompleteUntil().Equal(want[0]) })
}

func unrecorded(p Progress) (n int64) {
	for _, q := range p.Queues {
		n += q.Unrecorded()
	}
	return n
}

// What was given back before lies in the retry topic, which a source that holds what its handler fails on reads all the same: until
// then it is unrecorded. A retry topic that is not there holds nothing; one that can't be read may hold everything.
func TestProgressOfWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	mq := stack.Shared(t).RocketMQ
	topic, group := newTopic(t, 2)
	o := Options{NameServers: nameServers(t), Topic: topic, Group: group}
	retry := RetryTopic(group)
	ask := func() Progress {
		t.Helper()
		p, err := AskProgress(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	send(t, retry, 0, 3)
	var behind Progress
	eventually(t, 10*time.Second, "three messages unrecorded", func() bool { behind = ask(); return unrecorded(behind) == 3 })
	if first := storeTimes(t, retry, behind)[0]; behind.CompleteUntil().After(first) {
		t.Errorf("complete until %v: the first message was stored at %v", behind.CompleteUntil(), first)
	}
	m := newMemory()
	r := run(t, o, m.handle)
	eventually(t, 30*time.Second, "all is recorded", func() bool { return m.count() == 3 })
	r.stop() // which commits
	if p := ask(); unrecorded(p) != 0 || !p.CompleteUntil().Equal(p.Asked.Add(-settling)) {
		t.Errorf("all is recorded: %+v", p)
	}

	if err := mq.CreateTopic(t.Context(), retry, 1, stack.WriteOnly); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "a retry topic that nobody may read is of unknown progress", func() bool {
		_, err := AskProgress(t.Context(), o)
		return err != nil && !errors.Is(err, ErrNoTopic) && strings.Contains(err.Error(), retry)
	})
	if err := mq.DeleteTopic(t.Context(), retry); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "a retry topic that is gone is none", func() bool {
		p, err := AskProgress(t.Context(), o)
		return err == nil && len(p.Queues) == 2 && unrecorded(p) == 0
	})
}

// A topic that nobody can tell of has no progress, and a queue of which the broker forgot what the group stands at goes on
// at what it has.
func TestProgressIsNeverGuessed(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 1)
	o := Options{NameServers: nameServers(t), Topic: "no-such-topic", Group: group}
	if p, err := AskProgress(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no route") {
		t.Errorf("got %+v, %v for a topic that is not there", p, err)
	}
	if _, err := AskProgress(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "Topic: ") {
		t.Errorf("without a topic: %v", err)
	}
	if _, err := AskProgress(t.Context(), o); !errors.Is(err, ErrNoTopic) {
		t.Errorf("%v for a topic that is not there", err)
	}
	closed, _ := newTopic(t, 1)
	if err := stack.Shared(t).RocketMQ.CreateTopic(t.Context(), closed, 1, stack.WriteOnly); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "a topic that nobody may read is there, and of unknown progress", func() bool {
		_, err := AskProgress(t.Context(), Options{NameServers: o.NameServers, Topic: closed, Group: group})
		return err != nil && !errors.Is(err, ErrNoTopic)
	})
	setCommitted(t, group, topic, 100) // behind the end, as when a broker lost what it took last
	o.Topic = topic
	if p, err := AskProgress(t.Context(), o); err == nil || !strings.Contains(err.Error(), "lost messages") {
		t.Errorf("got %+v, %v for a group that stands behind the end", p, err)
	}
}

// storeTimes reads the messages that are not recorded, and says when they were stored, the earliest first of each queue.
func storeTimes(t *testing.T, topic string, p Progress) (times []time.Time) {
	t.Helper()
	route, err := remoting.FindRoute(t.Context(), nameServers(t), topic, remoting.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range p.Queues {
		if q.Topic != topic {
			continue
		}
		conn, err := remoting.Dial(t.Context(), route.Masters[q.Broker], remoting.Credentials{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		pulled, err := conn.Pull(t.Context(), remoting.PullRequest{
			Group: "looker", Topic: topic, Tag: "*", Queue: q.Queue, Offset: q.Next, Max: 32,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pulled.Messages {
			if len(times) > 0 && m.StoreTime.Before(times[0]) {
				times = append([]time.Time{m.StoreTime}, times...)
				continue
			}
			times = append(times, m.StoreTime)
		}
	}
	return times
}
