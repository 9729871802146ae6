package api

import (
	"time"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
)

var deadLettersParameters = []string{"status", "reason", "topic", "from", "to", "after", "limit"}

func (s *Server) deadLetters(c *call) error {
	filter := deadletter.Filter{
		Reason: c.text("reason", "", 96), Topic: c.text("topic", "", 128),
		From: within(c.time("from", time.Unix(0, 0))), To: within(c.time("to", endOfTime)),
		AfterID: c.integer("after", 0, 0, 1<<63-1), Limit: int(c.integer("limit", 100, 1, 1000)),
		Status: deadletter.Status(c.text("status", string(deadletter.Pending), 16)),
	}
	switch filter.Status {
	case deadletter.Pending, deadletter.Redriven, deadletter.Discarded:
	case "all":
		filter.Status = ""
	default:
		c.fail("status", "must be pending, redriven, discarded or all")
	}
	if err := c.invalid(); err != nil {
		return err
	}
	letters, err := s.options.Store.DeadLetters(c.r.Context(), filter)
	if err != nil {
		return err
	}
	answer := struct {
		Letters []deadletter.Letter `json:"dead_letters"`
		Next    *int64              `json:"next_after"`
	}{Letters: letters}
	if len(letters) == filter.Limit {
		answer.Next = &letters[len(letters)-1].ID
	}
	return c.answer(answer)
}

// endOfTime is later than what any filter means.
var endOfTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// within is a time that the database can compare with.
func within(t time.Time) time.Time {
	switch {
	case t.Before(time.Unix(0, 0)):
		return time.Unix(0, 0)
	case t.After(endOfTime):
		return endOfTime
	}
	return t
}

// letterView is the document's DeadLetterDetail.
type letterView struct {
	*deadletter.Letter
	Incomplete *string             `json:"incomplete"`
	Origins    []originView        `json:"origins"`
	Audit      []deadletter.Action `json:"audit"`
}

type originView struct {
	Topic      string    `json:"topic"`
	MsgID      string    `json:"msg_id"`
	Broker     string    `json:"broker"`
	Queue      int       `json:"queue_id"`
	Offset     int64     `json:"queue_offset"`
	File       string    `json:"file"`
	Deliveries int       `json:"deliveries"`
	First      time.Time `json:"first"`
}

func (s *Server) deadLetter(c *call) error {
	id, err := c.pathID()
	if err != nil {
		return err
	}
	letter, places, audit, err := s.options.Store.DeadLetter(c.r.Context(), id)
	if err != nil {
		return err
	}
	view := letterView{Letter: letter, Origins: []originView{}, Audit: audit}
	if why := letter.Incomplete(); why != "" {
		view.Incomplete = &why
	}
	for _, p := range places {
		view.Origins = append(view.Origins, originView{
			Topic: p.Topic, MsgID: p.MsgID, Broker: p.Broker, Queue: p.Queue, Offset: p.Offset, File: p.File,
			Deliveries: p.Deliveries, First: p.First,
		})
	}
	return c.answer(view)
}

// redrive lets one dead letter go through the flow again. The audit names the token.
func (s *Server) redrive(c *call) error {
	dry, _ := c.boolean("dry_run")
	id, err := c.pathID()
	if err != nil {
		return err
	}
	if err := c.invalid(); err != nil {
		return err
	}
	done, err := s.options.Store.Redrive(c.r.Context(), ledger.Work{ID: id, Actor: "api:" + c.grant.Name, DryRun: dry}, s.options.Redrive)
	if err != nil {
		return err
	}
	return c.answer(done)
}
