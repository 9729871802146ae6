package rocketlog

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/apisixlog"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// inbox is a broker that keeps what it gets.
type inbox struct {
	mu       sync.Mutex
	messages []Message
}

func (b *inbox) Send(_ context.Context, m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, m)
	return nil
}

func (b *inbox) got() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.messages
}

func exchange(id int) *nginx.Exchange {
	return &nginx.Exchange{ID: fmt.Sprintf("%032x", id), Method: "GET", URI: "/", Matched: true, RouteID: "r1"}
}

func logger(sender Sender, metadata Metadata) *Logger {
	return New(sender, metadata, apisixlog.Server{Hostname: "h", Version: "3.18.0"})
}

func entriesOf(t *testing.T, m Message) []map[string]any {
	var entries []map[string]any
	if m.Body[0] == '{' {
		entries = append(entries, nil)
		if err := json.Unmarshal(m.Body, &entries[0]); err != nil {
			t.Fatal(err)
		}
	} else if err := json.Unmarshal(m.Body, &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestBatches(t *testing.T) {
	for name, c := range map[string]struct {
		conf    Conf
		entries int
		sizes   []int // of the messages, in entries
		object  bool
		after   time.Duration // until all have left
	}{
		"one entry a message":            {Conf{BatchMaxSize: 1}, 3, []int{1, 1, 1}, true, 0},
		"full batches":                   {Conf{BatchMaxSize: 3}, 6, []int{3, 3}, false, 0},
		"a rest waits for the timeout":   {Conf{BatchMaxSize: 3, InactiveTimeout: 2 * time.Second}, 4, []int{3, 1}, false, 2 * time.Second},
		"one entry by default, an array": {Conf{}, 1, []int{1}, false, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broker inbox
				l := logger(&broker, Metadata{})
				c.conf.Tag, c.conf.Key = "tag", "key"
				for i := range c.entries {
					l.Log(c.conf, exchange(i))
				}
				if c.after > 0 {
					time.Sleep(c.after - time.Millisecond)
					synctest.Wait()
					if got := len(broker.got()); got != len(c.sizes)-1 {
						t.Errorf("%d messages before the timeout, want %d", got, len(c.sizes)-1)
					}
					time.Sleep(time.Millisecond)
				}
				synctest.Wait()
				total := 0
				for i, m := range broker.got() {
					if m.Key != "key" || m.Tag != "tag" || (m.Body[0] == '{') != c.object {
						t.Errorf("message %d: key %q, tag %q, body %.20s", i, m.Key, m.Tag, m.Body)
					}
					total += len(entriesOf(t, m))
				}
				if len(broker.got()) != len(c.sizes) || total != c.entries {
					t.Errorf("%d entries in %d messages, want %d in %d", total, len(broker.got()), c.entries, len(c.sizes))
				}
				if s := l.Stats(); s.Delivered != c.entries || s.Dropped != 0 {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

func TestTheLoggerBoundTwice(t *testing.T) {
	for name, c := range map[string]struct {
		second   Conf
		messages int
	}{
		"equal configurations share a message": {Conf{Topic: "t"}, 1},
		"different ones do not":                {Conf{Topic: "t", IncludeRequestBody: true}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var broker inbox
			l := logger(&broker, Metadata{})
			x := exchange(1)
			l.Log(Conf{Topic: "t"}, x)
			l.Log(c.second, x)
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			entries := 0
			for _, m := range broker.got() {
				entries += len(entriesOf(t, m))
			}
			if len(broker.got()) != c.messages || entries != 2 {
				t.Errorf("%d entries in %d messages, want 2 in %d", entries, len(broker.got()), c.messages)
			}
		})
	}
}

func TestALostAnswerSendsTheSameBytesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker inbox
		lost := 0
		sender := Faults(&broker, func(Message) Fate {
			lost++
			if lost <= 2 {
				return LoseAnswer
			}
			return Deliver
		})
		l := logger(sender, Metadata{})
		conf := Conf{BatchMaxSize: 2, MaxRetryCount: 5}
		l.Log(conf, exchange(1))
		l.Log(conf, exchange(2))
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := broker.got()
		if len(got) != 3 || string(got[0].Body) != string(got[1].Body) || string(got[1].Body) != string(got[2].Body) {
			t.Fatalf("%d messages, want the same three times", len(got))
		}
		if s := l.Stats(); s.Delivered != 2 || s.Sends != 3 || s.Failures != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestLosses(t *testing.T) {
	refuse := Faults(&inbox{}, func(Message) Fate { return Refuse })
	t.Run("no retry by default", func(t *testing.T) {
		l := logger(refuse, Metadata{})
		l.Log(Conf{BatchMaxSize: 1}, exchange(1))
		l.Flush(t.Context())
		if s := l.Stats(); s.Dropped != 1 || s.Sends != 1 {
			t.Errorf("stats %+v, want one send and one entry dropped", s)
		}
	})
	t.Run("a body over 4 MiB is never sent", func(t *testing.T) {
		var broker inbox
		l := logger(&broker, Metadata{})
		x := exchange(1)
		x.Body, x.BodyRead = []byte(strings.Repeat("a", 500_000)), true
		for range 10 {
			l.Log(Conf{IncludeRequestBody: true, MaxRetryCount: 3}, x)
		}
		l.Flush(t.Context())
		if s := l.Stats(); s.TooLarge != 10 || s.Dropped != 10 || len(broker.got()) != 0 {
			t.Errorf("stats %+v, %d messages", s, len(broker.got()))
		}
	})
	t.Run("the newest beyond the pending limit", func(t *testing.T) {
		var broker inbox
		l := logger(&broker, Metadata{MaxPendingEntries: 4})
		for i := range 10 {
			l.Log(Conf{}, exchange(i))
		}
		l.Flush(t.Context())
		if s := l.Stats(); s.Discarded != 5 || s.Delivered != 5 {
			t.Errorf("stats %+v", s)
		}
	})
	t.Run("the buffer at SIGTERM, and what waits for a retry", func(t *testing.T) {
		l := logger(refuse, Metadata{})
		l.Log(Conf{BatchMaxSize: 1, MaxRetryCount: 9, RetryDelay: time.Hour}, exchange(1))
		l.Log(Conf{}, exchange(2))
		if n := l.Discard(); n != 2 {
			t.Errorf("%d entries discarded, want 2", n)
		}
		l.Log(Conf{BatchMaxSize: 1}, exchange(3))
		l.Flush(t.Context())
		if s := l.Stats(); s.Entries != 3 || s.Dropped != 3 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestTheOriginalRequestAsText(t *testing.T) {
	for size, want := range map[int]string{
		1: "GET /x?a=1 HTTP/1.1\r\nhost: h\r\n\r\nthe \"body\"",
		2: `["GET /x?a=1 HTTP/1.1\r\nhost: h\r\n\r\nthe \"body\""]`,
	} {
		var broker inbox
		l := logger(&broker, Metadata{LogFormatExtra: BillingExtra()})
		x := exchange(1)
		x.URI, x.Body, x.BodyRead = "/x?a=1", []byte(`the "body"`), true
		x.Header.Add("Host", "h")
		l.Log(Conf{BatchMaxSize: size, Origin: true, IncludeRequestBody: true}, x)
		l.Flush(t.Context())
		if got := string(broker.got()[0].Body); got != want {
			t.Errorf("batches of %d: %s\nwant %s", size, got, want)
		}
	}
}

func TestMetadata(t *testing.T) {
	extra, own := BillingExtra(), apisixlog.Format{"mine": "$uri"}
	for name, c := range map[string]struct {
		metadata      Metadata
		conf          Conf
		has, hasNot   string
		isDefaultForm bool
	}{
		"extra of the metadata":             {Metadata{LogFormatExtra: extra}, Conf{}, "billing", "mine", true},
		"the binding's own extra replaces":  {Metadata{LogFormatExtra: extra}, Conf{LogFormatExtra: own}, "mine", "billing", true},
		"no extra on log_format":            {Metadata{LogFormatExtra: extra}, Conf{LogFormat: own}, "mine", "billing", false},
		"log_format of the metadata":        {Metadata{LogFormat: own}, Conf{}, "mine", "billing", false},
		"an extra never overrides a member": {Metadata{LogFormatExtra: apisixlog.Format{"request": "x", "y": "z"}}, Conf{}, "y", "billing", true},
	} {
		t.Run(name, func(t *testing.T) {
			var broker inbox
			l := logger(&broker, c.metadata)
			c.conf.BatchMaxSize = 1
			l.Log(c.conf, exchange(255))
			l.Flush(t.Context())
			entry := entriesOf(t, broker.got()[0])[0]
			_, isDefault := entry["request"].(map[string]any)
			if entry[c.has] == nil || entry[c.hasNot] != nil || isDefault != c.isDefaultForm || entry["route_id"] != "r1" {
				t.Errorf("entry %v", entry)
			}
			if billing, ok := entry["billing"].(map[string]any); ok && (billing["request_id"] != exchange(255).ID || len(billing) != 1) {
				t.Errorf("billing = %v, want the request ID alone: there is no stamp", billing)
			}
		})
	}
}

func TestEveryEntryIsAccountedFor(t *testing.T) {
	var broker inbox
	sender := Faults(&broker, func(Message) Fate { return Fate(rand.IntN(3)) })
	l := logger(sender, Metadata{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				l.Log(Conf{BatchMaxSize: 1 + i%3, MaxRetryCount: 1, RetryDelay: time.Microsecond}, exchange(n))
			}
		})
	}
	wg.Wait()
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Entries != 1600 || s.Delivered+s.Dropped != 1600 {
		t.Errorf("stats %+v: entries must be delivered or dropped", s)
	}
}
