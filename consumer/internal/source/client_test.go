package source

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/hooks"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/rs/zerolog"
)

// newTestSession makes a session without a client.
func newTestSession(handler Handler) *session {
	x := &session{
		handler: handler, observer: nopObserver{}, log: zerolog.Nop(), places: newBudget(3), memory: newBudget(1 << 20), gate: newGate(),
		holdings: newHoldings(func(int) {}), closed: make(chan struct{}), source: &Source{},
	}
	x.work, x.stopWork = context.WithCancel(context.Background())
	return x
}

// clientSettings are the options that the client gets, by name.
func clientSettings(x *session, o Options) map[string]any {
	var made reflect.Value
	for _, option := range x.clientOptions(o) {
		set := reflect.ValueOf(option)
		if !made.IsValid() {
			made = reflect.New(set.Type().In(0).Elem()) // the type is the client's own
		}
		set.Call([]reflect.Value{made})
	}
	settings := map[string]any{}
	for _, name := range []string{"ConsumeMessageBatchMaxSize", "ConsumeConcurrentlyMaxSpan", "InstanceName"} {
		settings[name] = made.Elem().FieldByName(name).Interface()
	}
	return settings
}

func TestClientSettings(t *testing.T) {
	o := Options{NameServers: []string{"127.0.0.1:9876"}, Topic: "t", Group: "g"}.withDefaults()
	plan, err := planCapacity(o, 4)
	if err != nil {
		t.Fatal(err)
	}
	x := newTestSession(nil)
	x.capacity = plan
	one, two := clientSettings(x, o), clientSettings(x, o)
	if got := one["ConsumeMessageBatchMaxSize"]; got != o.PullBatch {
		t.Errorf("a callback takes %v messages, want a pull's %d", got, o.PullBatch)
	}
	if got := one["ConsumeConcurrentlyMaxSpan"]; got != 16*o.QueueMessages {
		t.Errorf("a held message stops its queue after %v others, want %d", got, 16*o.QueueMessages)
	}
	if one["InstanceName"] == two["InstanceName"] {
		t.Errorf("two clients have the name %v", one["InstanceName"])
	}
}

// Whatever the handler does, the client gets no error: with one it would end the process, or acknowledge. And it gets
// its verdict on what is not recorded only when it ignores that.
func TestVerdicts(t *testing.T) {
	for _, tc := range []struct {
		name    string
		handler Handler
		held    bool
		want    consumer.ConsumeResult
	}{
		{"recorded", func(context.Context, []Message) []error { return nil }, false, consumer.ConsumeSuccess},
		{"gave up", func(context.Context, []Message) []error { return []error{nil, errors.New("no"), nil} }, true, consumer.ConsumeRetryLater},
		{"panicked", func(context.Context, []Message) []error { panic("no") }, true, consumer.ConsumeRetryLater},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newTestSession(tc.handler)
				defer x.stopWork()
				returned := false
				go func() {
					queue := &primitive.MessageQueue{Topic: "t", BrokerName: "b"}
					got, err := x.consume(t.Context(),
						&primitive.MessageExt{Message: primitive.Message{Queue: queue}},
						&primitive.MessageExt{Message: primitive.Message{Queue: queue}},
						&primitive.MessageExt{Message: primitive.Message{Queue: queue}})
					if got != tc.want || err != nil {
						t.Errorf("the client gets %v and the error %v, want %v and none", got, err, tc.want)
					}
					returned = true
				}()
				synctest.Wait()
				if returned == tc.held {
					t.Errorf("returned is %t while the client listens", returned)
				}
				close(x.closed)
				synctest.Wait()
				if !returned {
					t.Error("still held when the client was shut down")
				}
			})
		})
	}
}

// From the drain on, what a pull brings goes nowhere before the client is shut down, and then nowhere either.
func TestPulledInTheDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTestSession(nil)
		defer x.stopWork()
		pulled := &hooks.FilterMessageContext{MQ: &primitive.MessageQueue{Topic: "t"}, Msg: []*primitive.MessageExt{{}}}
		if got, err := x.park(pulled); len(got) != 1 || err != nil {
			t.Fatalf("before the drain: %d messages, %v", len(got), err)
		}
		x.gate.close()
		returned := false
		go func() {
			if got, err := x.park(pulled); len(got) != 0 || err != nil {
				t.Errorf("in the drain: %d messages, %v", len(got), err)
			}
			returned = true
		}()
		synctest.Wait()
		if returned {
			t.Error("a pull goes on before the shutdown")
		}
		close(x.closed)
		synctest.Wait()
		if !returned {
			t.Error("a pull is parked for ever")
		}
	})
}
