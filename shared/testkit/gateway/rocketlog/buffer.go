package rocketlog

import (
	"bytes"
	"context"
	"time"
)

// buffer gathers the entries of one configuration. All its methods want logger.mu held.
type buffer struct {
	logger  *Logger
	conf    Conf
	entries [][]byte
	first   time.Time // when the oldest entry came
	last    time.Time // when the newest came
	timer   *time.Timer
}

func (b *buffer) push(entry []byte) {
	b.entries = append(b.entries, entry)
	b.last = time.Now()
	if len(b.entries) == 1 {
		b.first = b.last
	}
	if len(b.entries) >= b.conf.BatchMaxSize {
		b.process()
		return
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(b.conf.InactiveTimeout, b.expire)
	}
}

// expire is the timer's check: APISIX looks once per InactiveTimeout, so a batch may wait almost twice as long.
func (b *buffer) expire() {
	b.logger.mu.Lock()
	defer b.logger.mu.Unlock()
	if b.timer == nil {
		return // the entries went meanwhile
	}
	if time.Since(b.last) < b.conf.InactiveTimeout && time.Since(b.first) < b.conf.BufferDuration {
		b.timer.Reset(b.conf.InactiveTimeout)
		return
	}
	b.process()
}

// process sends what is there as one batch, on a goroutine of its own.
func (b *buffer) process() {
	if entries := b.take(); len(entries) > 0 {
		go b.logger.deliver(b.logger.ctx, b.conf, entries)
	}
}

func (b *buffer) take() [][]byte {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	entries := b.entries
	b.entries = nil
	return entries
}

// deliver sends a batch, the same bytes again after each failure until the retries are used up.
func (l *Logger) deliver(ctx context.Context, conf Conf, entries [][]byte) {
	m := Message{Topic: conf.Topic, Key: conf.Key, Tag: conf.Tag, Body: body(conf, entries)}
	delivered, tooLarge := false, len(m.Body) > MaxBody
	for attempt := 0; !tooLarge && !delivered && attempt <= conf.MaxRetryCount; attempt++ {
		if attempt > 0 && !sleep(ctx, conf.RetryDelay) {
			break
		}
		err := l.sender.Send(ctx, m)
		delivered = err == nil
		l.mu.Lock()
		l.stats.Sends++
		if err != nil {
			l.stats.Failures++
		}
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if tooLarge {
		l.stats.TooLarge += len(entries)
	}
	l.done(len(entries), delivered)
}

func body(conf Conf, entries [][]byte) []byte {
	if conf.BatchMaxSize == 1 {
		return entries[0]
	}
	return append(append([]byte{'['}, bytes.Join(entries, []byte{','})...), ']')
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
