package source

import "testing"

// Whatever the topic's size, each message that a pull brings finds a callback slot, and the buffer keeps its bound.
func TestCapacity(t *testing.T) {
	for _, tc := range []struct {
		name     string
		options  Options
		queues   int
		messages int64
		mib      int
		fails    bool
	}{
		{name: "defaults", queues: 8, messages: 256, mib: 3},
		{name: "one queue", queues: 1, messages: 256, mib: 31},
		{name: "many queues lower the messages", options: Options{QueueMessages: 1024}, queues: 100, messages: 436, mib: 1},
		{name: "very many", queues: 700, messages: 7, mib: 1},
		{name: "without room for more", queues: 1000, messages: 36, mib: 1},
		{name: "largest options", options: Options{QueueMessages: 16384, PullBatch: 1024, BufferMiB: 1 << 20}, queues: 1,
			messages: 5226, mib: 1024},
		{name: "too many", queues: 2000, fails: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := tc.options.withDefaults()
			got, err := planCapacity(o, tc.queues)
			if (err != nil) != tc.fails {
				t.Fatalf("error %v", err)
			}
			if tc.fails {
				return
			}
			if got.messages != tc.messages || got.mib != tc.mib {
				t.Errorf("got %+v, want %d messages and %d MiB a queue", got, tc.messages, tc.mib)
			}
			if need := (int(got.messages) + o.PullBatch) * got.queues; need > maxCallbacks || got.queues < tc.queues {
				t.Errorf("%+v needs %d callbacks", got, need)
			}
			if got.span < int(got.messages) || got.span > maxSpan {
				t.Errorf("span %d with %d messages", got.span, got.messages)
			}
		})
	}
}
