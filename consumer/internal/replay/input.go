package replay

import (
	"context"
	"fmt"

	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
)

// Input gives messages in a fixed order. It is not safe for concurrent use, but for Progress.
type Input interface {
	// Next returns the next message, whose body is the caller's; io.EOF behind the last. Where a server is away it waits
	// for it, as long as ctx lives.
	Next(ctx context.Context) (Item, error)
	// Progress says where the input is, for people: a place, and how much of all is read (0 to 1, negative when that is
	// not known).
	Progress() (place string, part float64)
	// Notes are what an operator must know about what could not be read or was passed over; empty where all is well.
	Notes() []string
}

// Item is one message of an input.
type Item struct {
	Origin record.Origin
	Body   []byte
	// Whole is set where Body is only the beginning of what stands there, which is longer than Limit.
	Whole *record.Whole
	Limit int
	// Lane is the part of the input that has a position of its own: a queue, or the file.
	Lane string
	// Behind is the position from which the messages behind this one are read.
	Behind Position
}

// Position is a place in a lane.
type Position struct {
	// Next is an offset in a queue, or the number of a line.
	Next int64 `json:"next"`
	// Bytes and SHA256 are, in a file, those of all that stands before the line (uncompressed).
	Bytes  int64  `json:"bytes,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

func (i *Item) unit(d *pipeline.Deriver) record.Unit {
	if i.Whole != nil {
		return pipeline.TooLong(i.Origin, i.Body, *i.Whole, i.Limit)
	}
	return d.Unit(i.Origin, i.Body)
}

// name is for errors.
func (i *Item) name() string {
	if i.Origin.File != "" {
		return fmt.Sprintf("%s, line %d", i.Origin.File, i.Origin.Offset)
	}
	return fmt.Sprintf("queue %s, offset %d", i.Lane, i.Origin.Offset)
}
