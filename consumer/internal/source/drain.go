package source

import (
	"context"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"gateway-billing.internal/consumer/internal/chaospoint"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// maxClosing is how much of the drain limit is kept for the steps after the handler's, half of it at most.
const maxClosing = 6 * time.Second

// drain ends the session so that nothing is lost and nothing is read twice:
//
//  1. Nothing new goes to the handler; the pull loops are parked (see park).
//  2. What the handler works on may finish; near the drain limit its context ends.
//  3. The client notes the last verdicts.
//  4. It sends its offsets, and the brokers are asked whether they have them. The client's Shutdown sends them too, but
//     closes the connection right behind, and then they are lost at times.
//  5. The client leaves the group. From here on it ignores verdicts.
//  6. The messages still held are let go. No redelivery is spent on them; the next member reads them again.
//
// If the process is killed at any of these points, the messages whose offsets were not committed come again.
func (x *session) drain() {
	started := time.Now()
	limit := x.source.options.DrainLimit
	closing := min(limit/2, maxClosing)
	x.gate.close()
	x.log.Info().Int("working", x.gate.inside()).Msg("draining")

	if !within(limit-closing, x.gate.idle) {
		x.log.Warn().Int("working", x.gate.inside()).Msg("drain limit reached: messages being worked on will be read again")
		x.stopWork()
	}
	table, settled := x.settle(closing / 2)
	chaospoint.Reach(chaospoint.Drain)
	committed := x.commit(closing/3, x.ofTopic(table))
	held, bytes := x.holdings.totals()
	go func() {
		if err := x.client.Shutdown(); err != nil {
			x.log.Warn().Err(err).Msg("shut down client")
		}
		close(x.closed)
	}()
	left := within(closing/6, x.closed)
	x.stopWork()

	line := x.log.Info()
	if !settled || !committed { // what was recorded and not committed is a duplicate then, not lost
		line = x.log.Warn()
	}
	line.Dur("took", time.Since(started)).Int("let_go", held).Int64("let_go_bytes", bytes).
		Bool("settled", settled).Bool("committed", committed).Bool("left", left).Msg("drained")
}

// settle waits until the client has noted all verdicts.
func (x *session) settle(limit time.Duration) (table map[primitive.MessageQueue]ownedQueue, settled bool) {
	for end := time.Now().Add(limit); ; time.Sleep(2 * time.Millisecond) {
		table = x.table()
		settled = x.holdings.settled(table)
		if settled || time.Now().After(end) {
			return table, settled
		}
	}
}

// commit has the client send its offsets until the brokers have them. Once may not do: a pull carries an offset too, and
// a broker that works on a late pull goes back to that one.
func (x *session) commit(limit time.Duration, owned map[remoting.Queue]ownedQueue) bool {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		sent := make(chan struct{})
		go func() { // takes 15 s for each queue of a broker that swallows packets
			defer close(sent)
			if err := x.client.PersistConsumerOffset(); err != nil {
				x.log.Warn().Err(err).Msg("commit offsets")
			}
		}()
		select {
		case <-sent:
		case <-ctx.Done():
			return false
		}
		for range 10 {
			x.source.removeCommitted(ctx, x.route, owned)
			if len(owned) == 0 || ctx.Err() != nil {
				return len(owned) == 0
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func within(limit time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
