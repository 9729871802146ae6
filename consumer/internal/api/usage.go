package api

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/usagereport"
)

var usageParameters = []string{
	"from", "to", "zone", "by", "consumer", "route", "service", "model", "status", "billable", "dimension",
}

// What bounds an answer, which is held in memory.
const (
	maxRows  = 20_000
	maxNames = 4 << 20 // bytes
	// longestBy is in characters, dimension: included.
	longestBy = 200
)

// usageOf begins the document's Usage, which goes on with rows and total, and ends with completed.
type usageOf struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Zone string    `json:"zone"`
}

// completed is what is known of what may be missing.
type completed struct {
	Complete bool       `json:"complete"`
	Until    *time.Time `json:"complete_until"`
	Reason   *string    `json:"complete_until_reason"`
	Lag      *lag       `json:"lag"`
}

type lag struct {
	// Messages are not told to who sees some APISIX consumers only: they are of all.
	Messages *int64  `json:"messages"`
	Seconds  float64 `json:"seconds"`
}

func (s *Server) usage(c *call) error {
	q, err := c.usageQuery(time.Now())
	if err != nil {
		return err
	}
	// First how far the group is, then the sums: what is recorded in between they have.
	done := s.progress.now(c.r.Context())
	var result totals.Result
	if nobody := c.restrict(&q.Filter); !nobody {
		if result, err = s.options.Store.Totals().Query(c.r.Context(), q); err != nil {
			return err
		}
	}
	body, err := encoded(usageOf{q.From.In(q.Location), q.To.In(q.Location), q.Location.String()})
	if err != nil {
		return err
	}
	body = appendRows(bytes.TrimSuffix(body, []byte("}\n")), &q, &result)
	end := s.completed(done, q.To, c.grant.Consumers == nil)
	rest, err := encoded(end)
	if err != nil {
		return err
	}
	// What of the ending counts for the ETag.
	end.Lag = nil
	if end.Complete {
		end.Until = nil // it goes on for ever, and says nothing more of this time
	}
	counts, err := encoded(end)
	if err != nil {
		return err
	}
	c.send(c.form, tagOf(body, counts), append(body, rest[1:]...))
	return nil
}

// rowBytes is about what a row takes.
const rowBytes = 384

// appendRows appends the members rows and total, with a comma before and behind.
func appendRows(to []byte, q *totals.Query, r *totals.Result) []byte {
	to = slices.Grow(to, len(r.Rows)*rowBytes+rowBytes)
	to = append(to, `,"rows":[`...)
	by := q.Names()
	for i := range r.Rows {
		if i > 0 {
			to = append(to, ',')
		}
		to = usagereport.AppendRow(to, by, &r.Rows[i])
	}
	return append(usagereport.AppendSums(append(to, `],"total":`...), &r.Total), ',')
}

// completed is for a time up to to, for who sees all or not.
func (s *Server) completed(done completeness, to time.Time, all bool) completed {
	if done.at.IsZero() {
		return completed{Reason: &done.reason}
	}
	until := done.at.Add(-s.options.LogDelay).UTC().Truncate(time.Millisecond)
	behind := &lag{Seconds: done.age.Round(time.Millisecond).Seconds()}
	if all {
		behind.Messages = &done.messages
	}
	return completed{Complete: !until.Add(-s.options.LongestRequest).Before(to), Until: &until, Lag: behind}
}

func (c *call) usageQuery(now time.Time) (totals.Query, error) {
	q := totals.Query{MaxRows: maxRows, MaxNames: maxNames}
	var err error
	if q.Location, err = totals.Location(c.text("zone", "UTC", 64)); err != nil {
		c.fail("zone", "is no time zone that is known")
		q.Location = time.UTC
	}
	from, to := c.text("from", "", 40), c.text("to", "", 40)
	switch _, given := c.query["to"]; {
	case c.query["from"] == nil:
		c.fail("from", "is required")
	case given && to == "":
		c.fail("to", "must be %s", strings.ReplaceAll(usagereport.TimeForms, "\n", " "))
	default:
		if q.From, q.To, err = usagereport.Span(from, to, now, q.Location); err != nil {
			wrong, ok := errors.AsType[*usagereport.TimeError](err)
			if !ok {
				return q, err
			}
			c.fail(wrong.Name, "%s", wrong.Problem)
		}
	}
	if by := c.text("by", "", 4096); by != "" {
		for name := range strings.SplitSeq(by, ",") {
			b, err := totals.ParseBy(name)
			if err != nil || utf8.RuneCountInString(name) > longestBy {
				c.fail("by", "must be of hour, day, month, consumer, route, service, model, status, billable and dimension:NAME, up to 200 characters each")
				break
			}
			q.By = append(q.By, b)
		}
		if len(q.By) > 16 {
			c.fail("by", "has more than 16 names")
		}
	} else if c.query["by"] != nil {
		c.fail("by", "is empty")
	}
	q.Filter = totals.Filter{
		Consumers: c.names("consumer"), Routes: c.names("route"), Services: c.names("service"), Models: c.names("model"),
		Statuses: c.names("status"),
	}
	if billable, given := c.boolean("billable"); given {
		q.Filter.Billable = &billable
	}
	for _, text := range c.texts("dimension", 16, 1024) {
		name, value, found := strings.Cut(text, "=")
		if _, twice := q.Filter.Dimensions[name]; !found || name == "" || twice {
			c.fail("dimension", "must be name=value, each name once")
			break
		}
		if q.Filter.Dimensions == nil {
			q.Filter.Dimensions = map[string]string{}
		}
		q.Filter.Dimensions[name] = value
	}
	if len(c.wrong) == 0 {
		if wrong, ok := errors.AsType[*totals.QueryError](q.Check()); ok {
			c.fail(wrong.Part, "%s", wrong.Problem)
		}
	}
	return q, c.invalid()
}

// names are those of a filter; ? is the unknown one.
func (c *call) names(parameter string) (all []*string) {
	for _, name := range c.texts(parameter, 100, 255) {
		if name == "?" {
			all = append(all, nil)
		} else {
			all = append(all, &name)
		}
	}
	return all
}

// restrict leaves in the filter what the caller may see. nobody: that is nothing, which a filter can't say.
func (c *call) restrict(f *totals.Filter) (nobody bool) {
	if c.grant.Consumers == nil {
		return false
	}
	if len(f.Consumers) == 0 {
		for _, name := range c.grant.Consumers {
			f.Consumers = append(f.Consumers, &name)
		}
	} else {
		f.Consumers = slices.DeleteFunc(f.Consumers, func(name *string) bool { return !c.grant.Sees(name) })
	}
	return len(f.Consumers) == 0
}
