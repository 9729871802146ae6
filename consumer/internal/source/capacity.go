package source

import "fmt"

// maxCallbacks is the client's limit for callbacks of one topic at once (ConsumeGoroutineNums). It costs nothing to ask
// for all of them; how many messages are worked on at once is our own limit.
const maxCallbacks = 100_000

// maxSpan is the client's limit for how far the offsets of a queue's messages in memory may lie apart.
const maxSpan = 65_535

// capacity is what the client may hold for one queue.
//
// Every message that is pulled must find a callback slot, also while all of them are held: if the slots ran out, the
// client's pull loop would block, and after 120 s it would drop the queue, read it all again and throw the verdicts
// away. So slots ≥ (messages + batch) × queues, for all queues of the topic: this process may be the only one left.
type capacity struct {
	// messages and mib are the thresholds that stop the pull.
	messages int64
	mib      int
	// span is how far the queue goes on while one of its messages is held.
	span int
	// queues is up to how many queues this holds.
	queues int
}

// planCapacity divides the buffer among the queues of a topic, with room for twice as many of them.
func planCapacity(o Options, queues int) (capacity, error) {
	room := max(2*queues, 16)
	messages := min(o.QueueMessages, maxCallbacks/room-o.PullBatch)
	if messages < 1 {
		room = queues
		messages = min(o.QueueMessages, maxCallbacks/max(room, 1)-o.PullBatch)
	}
	if messages < 1 {
		return capacity{}, fmt.Errorf("PullBatch: %d messages for each of %d queues exceed the client's %d callbacks",
			o.PullBatch, queues, maxCallbacks)
	}
	return capacity{
		messages: int64(messages),
		// The client pulls on until a queue holds one MiB more than the threshold.
		mib:    min(max(o.BufferMiB/max(queues, 1)-1, 1), 1024),
		span:   min(16*messages, maxSpan),
		queues: room,
	}, nil
}
