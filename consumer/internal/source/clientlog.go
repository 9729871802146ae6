package source

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	clienterrors "github.com/apache/rocketmq-client-go/v2/errors"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/rlog"
	"github.com/rs/zerolog"
)

// clientLog takes the place of the client's logger and panic handler, which are variables of the whole process: they
// are set here once, before any client can run (setting them later would race with running clients). Its lines go to
// the sources that are attached; without one they are dropped.
//
// The client's own logger prints messages while they are written, which can end the process, and puts bodies into logs.
// This one looks at scalar fields of a list only, and never at a value that has a String method.
var clientLog = &logBridge{limits: map[string]*lineLimit{}, now: time.Now}

func init() {
	rlog.SetLogger(clientLog)
	// Without a handler the client lets the panics of its own goroutines end the process.
	primitive.PanicHandler = clientLog.panicked
}

// logListener is one source: where its client's lines go, what takes its credentials out of them, and who hears of an
// offset jump.
type logListener struct {
	group    string
	log      zerolog.Logger
	hide     func(text string) string
	jumpFrom func(pullRequest)
	jumpTo   func(pullRequest)
}

type logBridge struct {
	mu        sync.Mutex
	listeners []*logListener
	limits    map[string]*lineLimit
	now       func() time.Time
}

func (b *logBridge) attach(l *logListener) (detach func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners = append(b.listeners, l)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.listeners = slices.DeleteFunc(b.listeners, func(other *logListener) bool { return other == l })
	}
}

// of returns the listeners of a group; of a line without a group, the first.
func (b *logBridge) of(group string) []*logListener {
	b.mu.Lock()
	defer b.mu.Unlock()
	if group == "" {
		return slices.Clone(b.listeners[:min(len(b.listeners), 1)])
	}
	var out []*logListener
	for _, l := range b.listeners {
		if l.group == group {
			out = append(out, l)
		}
	}
	return out
}

// The client's levels: its debug lines are one a message, its info lines one a queue every 5 s.

func (b *logBridge) Debug(string, map[string]any) {}

func (b *logBridge) Info(msg string, fields map[string]any) { b.write(zerolog.DebugLevel, msg, fields) }

func (b *logBridge) Warning(msg string, fields map[string]any) {
	if r, ok := jumpFound(msg, fields); ok {
		for _, l := range b.of(r.group) {
			l.jumpFrom(r)
		}
	}
	if r, ok := jumpDone(msg); ok {
		for _, l := range b.of(r.group) {
			l.jumpTo(r)
		}
	}
	level := zerolog.WarnLevel
	if ofRetryTopic(fields) {
		level = zerolog.DebugLevel
	}
	b.write(level, msg, fields)
}

// ofRetryTopic says whether a line is about the group's retry topic, which is not there before a message is given back, or
// that a topic is not there without its name: the line behind it has the name.
func ofRetryTopic(fields map[string]any) bool {
	topic, named := fields[rlog.LogKeyTopic].(string)
	err, _ := fields[rlog.LogKeyUnderlayError].(error)
	return strings.HasPrefix(topic, RetryTopic("")) || !named && errors.Is(err, clienterrors.ErrTopicNotExist)
}

func (b *logBridge) Error(msg string, fields map[string]any) {
	b.write(zerolog.ErrorLevel, msg, fields)
}

// Fatal does not end the process, as the client's own logger would.
func (b *logBridge) Fatal(msg string, fields map[string]any) {
	b.write(zerolog.ErrorLevel, msg, fields)
}

// Level and OutputPath are part of the client's interface; the zerolog logger decides both.
func (b *logBridge) Level(string) {}

func (b *logBridge) OutputPath(string) error { return nil }

func (b *logBridge) write(level zerolog.Level, msg string, fields map[string]any) {
	group, _ := fields[rlog.LogKeyConsumerGroup].(string)
	for _, l := range b.of(group) {
		if l.log.GetLevel() > level {
			continue
		}
		suppressed, ok := b.allow(level, msg)
		if !ok {
			continue
		}
		event := l.log.WithLevel(level)
		for _, name := range loggedFields {
			addScalar(event, name, fields[name], l.hide)
		}
		if suppressed > 0 {
			event.Int("suppressed", suppressed)
		}
		event.Msg(cut(l.hide(strings.TrimSpace(msg))))
	}
}

func (b *logBridge) panicked(value any) {
	p := Recovered(value)
	for _, l := range b.of("") {
		l.log.Error().Err(p).Func(where(p)).Msg("panic in the RocketMQ client, recovered")
	}
}
