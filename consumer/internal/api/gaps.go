package api

import (
	"time"

	"gateway-billing.internal/consumer/internal/gaps"
)

var gapsParameters = []string{"runner", "from", "to", "settle", "all"}

func (s *Server) gaps(c *call) error {
	runner := c.text("runner", "", 255)
	from, to := c.time("from", time.Unix(0, 0)), c.time("to", endOfTime)
	settle := time.Duration(c.integer("settle", 600, 0, 30*24*3600)) * time.Second
	all, _ := c.boolean("all")
	if err := c.invalid(); err != nil {
		return err
	}
	seen, err := s.options.Store.StampsSeen(c.r.Context())
	if err != nil {
		return err
	}
	answer := struct {
		Missing uint64     `json:"missing"`
		Runs    []gaps.Run `json:"runs"`
	}{Runs: []gaps.Run{}}
	for _, run := range gaps.Find(seen, settle) {
		if c.query["runner"] != nil && run.Runner != runner || run.Start.Before(from) || !run.Start.Before(to) {
			continue
		}
		answer.Missing += run.Missing
		if run.Missing > 0 || !run.Verified || all {
			answer.Runs = append(answer.Runs, run)
		}
	}
	return c.answer(answer)
}
