package rocketlog

import (
	"context"
	"sync"

	"gateway-billing.internal/shared/testkit/gateway/apisixlog"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// MaxBody is the most bytes that a message's body may have; a larger batch is lost as a whole.
const MaxBody = 4 << 20

// Stats counts what became of entries and messages.
type Stats struct {
	// Entries were logged; of them Delivered reached the broker (as far as the logger knows), Dropped did not: their sends
	// failed too often, their batch was TooLarge, there were too many pending (Discarded), or the buffer was thrown away.
	Entries, Delivered, Dropped int
	// TooLarge and Discarded are part of Dropped.
	TooLarge, Discarded int
	// Sends counts attempts, Failures those that failed.
	Sends, Failures int
}

// Logger is the plugin in one APISIX process: all its buffers, one per configuration.
type Logger struct {
	sender   Sender
	metadata Metadata
	server   apisixlog.Server

	ctx    context.Context // ends with Discard
	cancel context.CancelFunc

	mu      sync.Mutex
	buffers map[string]*buffer
	pending int
	stats   Stats
	// idle is signalled whenever pending falls.
	idle *sync.Cond
}

// New makes a logger that hands its messages to sender.
func New(sender Sender, metadata Metadata, server apisixlog.Server) *Logger {
	setDefault(&metadata.MaxPendingEntries, 8192)
	l := &Logger{sender: sender, metadata: metadata, server: server, buffers: map[string]*buffer{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.idle = sync.NewCond(&l.mu)
	return l
}

// Log is the plugin's log phase for one binding: it makes the entry and buffers it.
func (l *Logger) Log(conf Conf, x *nginx.Exchange) {
	conf = conf.withDefaults()
	encoded := l.encoded(conf, x)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Entries++
	if l.pending > l.metadata.MaxPendingEntries {
		l.stats.Dropped++
		l.stats.Discarded++
		return
	}
	l.pending++
	key := conf.checksum()
	b := l.buffers[key]
	if b == nil {
		b = &buffer{logger: l, conf: conf}
		l.buffers[key] = b
	}
	b.push(encoded)
}

// Stats is a snapshot of the counters.
func (l *Logger) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Flush sends everything that is buffered now, as APISIX does when it quits gracefully, and returns when each entry was
// delivered or dropped.
func (l *Logger) Flush(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.idle.Broadcast()
	})
	defer stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.buffers {
		b.process()
	}
	for l.pending > 0 && ctx.Err() == nil {
		l.idle.Wait()
	}
	return ctx.Err()
}

// Discard throws away what is buffered or waits for a retry, as APISIX does on SIGTERM, and returns when no send is
// under way any more. It returns how many entries were thrown away. The logger may be used again.
func (l *Logger) Discard() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.stats.Dropped
	for _, b := range l.buffers {
		entries := b.take()
		l.done(len(entries), false)
	}
	l.cancel()
	for l.pending > 0 {
		l.idle.Wait()
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l.stats.Dropped - before
}

// encoded is the entry in the form that a body of it alone has, or a batch's array.
func (l *Logger) encoded(conf Conf, x *nginx.Exchange) []byte {
	if !conf.Origin {
		return apisixlog.Encode(l.entry(conf, x))
	}
	text := apisixlog.Origin(x, conf.IncludeRequestBody)
	if conf.BatchMaxSize == 1 {
		return []byte(text)
	}
	return apisixlog.EncodeText(text) // as JSON strings (from the source)
}

func (l *Logger) entry(conf Conf, x *nginx.Exchange) apisixlog.Object {
	if format := firstFormat(conf.LogFormat, l.metadata.LogFormat); format != nil {
		return apisixlog.Custom(x, format)
	}
	entry := apisixlog.Default(x, l.server, conf.WantsRequestBody())
	if format := firstFormat(conf.LogFormatExtra, l.metadata.LogFormatExtra); format != nil {
		apisixlog.Extend(entry, x, format)
	}
	return entry
}

// done takes entries out of the pending ones; l.mu is held.
func (l *Logger) done(entries int, delivered bool) {
	l.pending -= entries
	if delivered {
		l.stats.Delivered += entries
	} else {
		l.stats.Dropped += entries
	}
	l.idle.Broadcast()
}

func firstFormat(formats ...apisixlog.Format) apisixlog.Format {
	for _, format := range formats {
		if len(format) > 0 {
			return format
		}
	}
	return nil
}
