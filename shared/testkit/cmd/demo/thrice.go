package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
)

// thrice lets the gateway believe twice that its first batch did not arrive, so that it arrives three times. It also
// counts what RocketMQ took.
type thrice struct {
	mu    sync.Mutex
	body  []byte // of the batch that was chosen
	sends int    // of it

	messages, entries int64 // that RocketMQ confirmed
}

// counting counts what next delivers.
func (t *thrice) counting(next rocketlog.Sender) rocketlog.Sender {
	return rocketlog.SenderFunc(func(ctx context.Context, m rocketlog.Message) error {
		if err := next.Send(ctx, m); err != nil {
			return err
		}
		var entries []json.RawMessage
		if m.Body[0] == '{' {
			entries = []json.RawMessage{m.Body}
		} else if err := json.Unmarshal(m.Body, &entries); err != nil {
			return fmt.Errorf("the gateway's own batch: %w", err)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.messages++
		t.entries += int64(len(entries))
		return nil
	})
}

// decide is the fate of a send (see rocketlog.Faults).
func (t *thrice) decide(m rocketlog.Message) rocketlog.Fate {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.body == nil && m.Tag == tagBatch {
		t.body = m.Body
	}
	if m.Tag == tagBatch && bytes.Equal(m.Body, t.body) {
		if t.sends++; t.sends < 3 {
			return rocketlog.LoseAnswer
		}
	}
	return rocketlog.Deliver
}
