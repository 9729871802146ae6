package source

import "time"

const (
	// settleLimit is how long the client may take to note the verdicts of the last callbacks.
	settleLimit = time.Second
	// settlePause covers the last step, between taking a message out of the buffer and moving the offset.
	settlePause = 50 * time.Millisecond
	// shutdownLimit is for committing the offsets; with a broker that swallows packets the client takes 15 s a queue.
	shutdownLimit = 2 * time.Second
)

// drain ends the session so that nothing is lost and nothing is read twice:
//
//  1. Nothing new goes to the handler; the pull loops are parked (see park).
//  2. What the handler works on may finish until the drain limit, then its context ends.
//  3. The client notes the last verdicts.
//  4. The client commits its offsets and leaves the group. From here on it ignores verdicts.
//  5. The messages still held are let go. No redelivery is spent on them; the next member reads them again.
//
// If the process is killed at any of these points, the messages whose offsets were not committed come again.
func (x *session) drain() {
	limit := x.source.options.DrainLimit
	grace := min(limit/4, time.Second)
	started := time.Now()
	x.gate.close()
	x.log.Info().Int("working", x.gate.inside()).Msg("draining")

	if !within(limit-grace, x.gate.idle) {
		x.log.Warn().Int("working", x.gate.inside()).Msg("drain limit reached: messages being worked on will be read again")
		x.stopWork()
		within(grace, x.gate.idle)
	}
	x.settle()
	held, bytes := x.holdings.totals()

	go func() {
		if err := x.client.Shutdown(); err != nil {
			x.log.Warn().Err(err).Msg("shut down client")
		}
		close(x.closed)
	}()
	if !within(shutdownLimit, x.closed) {
		x.log.Warn().Msg("the client did not shut down in time: the last offsets may not be committed")
	}
	x.stopWork()
	x.log.Info().Dur("took", time.Since(started)).Int("let_go", held).Int64("let_go_bytes", bytes).Msg("drained")
}

// settle waits until every message in the client's buffer is one that is held: the others' verdicts are noted.
func (x *session) settle() {
	for end := time.Now().Add(settleLimit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		held, _ := x.holdings.totals()
		if buffered(x.table()) <= held {
			break
		}
	}
	time.Sleep(settlePause)
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
