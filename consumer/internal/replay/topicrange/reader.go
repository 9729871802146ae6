package topicrange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/replay"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// Options say what is read.
type Options struct {
	NameServers []string
	Topic       string
	// Tag is a tag expression, "*" or "a || b".
	Tag string
	// Group is the group in whose name is asked.
	Group       string
	Credentials remoting.Credentials
	// From (included) and To (not) bound the store times.
	From, To time.Time
	// Say is told, in words, when a broker has to be waited for, and when it is back.
	Say func(string)
}

const (
	// clockMargin is how far a broker's clock may have been set back within the stretch.
	clockMargin  = 10 * time.Second
	pullMessages = 64
	minRetry     = 100 * time.Millisecond
	maxRetry     = 5 * time.Second
)

// Of names the stretch: the same for each replay of it.
func (o *Options) Of() string {
	return fmt.Sprintf("topic %s, tag %s, from %s to %s", o.Topic, o.Tag, o.From.UTC().Format(time.RFC3339Nano), o.To.UTC().Format(time.RFC3339Nano))
}

// Reader reads a stretch. It is a replay.Input.
type Reader struct {
	options Options
	tags    map[string]bool // nil for all
	conn    *remoting.Conn
	broker  string // of conn
	waiting []remoting.Message

	mu    sync.Mutex
	lanes []*lane
	at    int // the lane that is read
	notes []string
}

// lane is one queue.
type lane struct {
	queue   remoting.Queue
	address string
	// first to end are read, but reading stops at a message that was stored well behind the stretch, likely at likely: the
	// broker's word on that is good enough to show progress by.
	first, next, likely, end int64
}

func (l *lane) name() string { return fmt.Sprintf("%s/%d", l.queue.Broker, l.queue.ID) }

// Open looks where the stretch lies in each queue, and begins at the positions. The error says what keeps a part of the
// topic from being read now: then nothing is read at all.
func Open(ctx context.Context, o Options, positions map[string]replay.Position) (*Reader, error) {
	r := &Reader{options: o, tags: tagSet(o.Tag)}
	route, err := remoting.FindRoute(ctx, o.NameServers, o.Topic, o.Credentials)
	if err != nil {
		return nil, err
	}
	for _, q := range route.Queues {
		l := &lane{queue: q, address: route.Masters[q.Broker]}
		if l.address == "" {
			return nil, fmt.Errorf("broker %s, which has a part of the topic, is away: its master is not registered", q.Broker)
		}
		if err := r.locate(ctx, l, positions); err != nil {
			r.Close()
			return nil, fmt.Errorf("queue %s: %w", l.name(), err)
		}
		r.lanes = append(r.lanes, l)
	}
	return r, nil
}

// Close closes the connection.
func (r *Reader) Close() {
	if r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}

// Next returns the next message. A broker that is away is waited for.
func (r *Reader) Next(ctx context.Context) (replay.Item, error) {
	for {
		l := r.lane()
		if l == nil {
			return replay.Item{}, io.EOF
		}
		if len(r.waiting) == 0 {
			if err := r.fetch(ctx, l); err != nil {
				return replay.Item{}, err
			}
			continue
		}
		m := r.waiting[0]
		r.waiting[0], r.waiting = remoting.Message{}, r.waiting[1:]
		if !m.StoreTime.Before(r.options.To.Add(clockMargin)) {
			r.waiting = nil
			r.moveTo(l, l.end)
			continue
		}
		r.moveTo(l, m.Offset+1)
		if r.wants(&m) {
			return r.item(l, &m), nil
		}
	}
}

// lane is the one that is read next, nil when all are read.
func (r *Reader) lane() *lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.waiting) == 0 && r.at < len(r.lanes) && r.lanes[r.at].next >= r.lanes[r.at].end {
		r.at++
	}
	if r.at == len(r.lanes) {
		return nil
	}
	return r.lanes[r.at]
}

func (r *Reader) moveTo(l *lane, next int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.next = next
}

func (r *Reader) wants(m *remoting.Message) bool {
	return !m.StoreTime.Before(r.options.From) && m.StoreTime.Before(r.options.To) && (r.tags == nil || r.tags[m.Tags])
}

func (r *Reader) item(l *lane, m *remoting.Message) replay.Item {
	return replay.Item{
		Origin: record.Origin{
			Topic: r.options.Topic, Tags: m.Tags, Keys: m.Keys, MsgID: m.MsgID, Broker: l.queue.Broker, Queue: l.queue.ID,
			Offset: m.Offset, StoreTime: m.StoreTime,
		},
		Body: m.Body, Lane: l.name(), Behind: replay.Position{Next: m.Offset + 1},
	}
}

// Progress counts offsets, whatever their messages' tags and times.
func (r *Reader) Progress() (place string, part float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all, done int64
	for _, l := range r.lanes {
		all += l.likely - l.first
		done += min(l.next, l.likely) - l.first
	}
	if part = 1; all > 0 {
		part = float64(done) / float64(all)
	}
	if r.at == len(r.lanes) {
		return fmt.Sprintf("all of %d queues read", len(r.lanes)), part
	}
	l := r.lanes[r.at]
	return fmt.Sprintf("queue %s (%d of %d): %d of %d offsets", l.name(), r.at+1, len(r.lanes), min(l.next, l.likely)-l.first,
		l.likely-l.first), part
}

// Notes say which messages the broker does not have any more.
func (r *Reader) Notes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.notes...)
}

func (r *Reader) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// tagSet is the tags of an expression, nil for all.
func tagSet(expression string) map[string]bool {
	tags := map[string]bool{}
	for tag := range strings.SplitSeq(expression, "||") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == "" {
			return nil
		}
		tags[tag] = true
	}
	return tags
}

// errNoProgress: a broker that answers, but neither gives a message nor says where to go on.
var errNoProgress = errors.New("the broker has the offset, but gives nothing from there on")
