package replay

import (
	"context"
	"fmt"
	"io"
	"maps"
	"time"

	"gateway-billing.internal/consumer/internal/source"
)

// Topic reads what the broker stored of a topic in a range of time, queue by queue.
type Topic struct {
	reader   *source.Reread
	from, to time.Time
	spans    []source.Span
	position Position
	current  int
}

// OpenTopic finds the range [from, to) and goes on at a position, which may be zero. expired names the queues from whose
// beginning of the range something is gone. Close must be called.
func OpenTopic(ctx context.Context, o source.Options, from, to time.Time, at Position) (t *Topic, expired []string, err error) {
	input := fmt.Sprintf("topic %s from %s to %s", o.Topic, from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano))
	if at.Input != "" && at.Input != input {
		return nil, nil, fmt.Errorf("%w: the position is of %s", ErrInput, at.Input)
	}
	reader, err := source.NewReread(o)
	if err != nil {
		return nil, nil, err
	}
	t = &Topic{reader: reader, from: from, to: to, position: Position{Input: input, Queues: map[string]int64{}}}
	maps.Copy(t.position.Queues, at.Queues)
	if t.spans, err = reader.Spans(ctx, from); err != nil {
		reader.Close()
		return nil, nil, err
	}
	for _, span := range t.spans {
		if span.Expired {
			expired = append(expired, name(span))
		}
		t.position.Queues[name(span)] = max(t.position.Queues[name(span)], span.First)
	}
	return t, expired, nil
}

// Close closes the connections.
func (t *Topic) Close() { t.reader.Close() }

func name(span source.Span) string { return fmt.Sprintf("%s/%d", span.Broker, span.Queue) }

// Next reads from the queues in turn.
func (t *Topic) Next(ctx context.Context) ([]source.Message, error) {
	for ; t.current < len(t.spans); t.current++ {
		span := t.spans[t.current]
		at := t.position.Queues[name(span)]
		if at >= span.End {
			continue
		}
		messages, next, err := t.reader.Read(ctx, span, at, t.from, t.to)
		if err != nil {
			return nil, err
		}
		t.position.Queues[name(span)] = next
		return messages, nil
	}
	return nil, io.EOF
}

// Position is behind the last batch.
func (t *Topic) Position() Position { return t.position }

// Done is how many offsets of how many were looked at.
func (t *Topic) Done() string {
	done, all := int64(0), int64(0)
	for _, span := range t.spans {
		done += min(t.position.Queues[name(span)], span.End) - span.First
		all += span.End - span.First
	}
	return fmt.Sprintf("queue %d of %d, %d of %d messages", min(t.current+1, len(t.spans)), len(t.spans), done, all)
}
