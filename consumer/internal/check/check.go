// Package check owns what is looked at before the first message: configuration, secrets, name servers and brokers, the
// group, the database and its tables, each as a line that says how it is and, where it is wrong, the cure. It changes
// nothing, but for what a broker does by itself that creates a group whenever one asks. No line shows a secret.
package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gateway-billing.internal/consumer/internal/config"
)

// Status says how one thing is.
type Status string

// The statuses. With an Error nothing would be recorded, or not correctly; a Warning is to be known and may be meant.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Error   Status = "error"
)

// Line is the result of one check.
type Line struct {
	// Check names what was looked at, such as topic or database.rights: the same name in every run.
	Check  string `json:"check"`
	Status Status `json:"status"`
	// Detail says what was found, Cure what to do; a line that is OK has none.
	Detail string `json:"detail"`
	Cure   string `json:"cure,omitempty"`
}

// Input is what is checked.
type Input struct {
	Config config.Config
	// Path is the configuration file, empty without one. Values are what config.Values makes of it.
	Path   string
	Values []config.Value
	// Warnings and Errors are what reading the configuration gave.
	Warnings []string
	Errors   config.Errors
}

// limit bounds each of the two sides that are asked.
const limit = 40 * time.Second

// All checks everything. What the configuration does not say right is not looked at further.
func All(ctx context.Context, in Input) []Line {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := &report{}
	configuration(r, in)
	secrets(r, in)
	if in.Config.API.Listen != "" && in.valid("api") {
		httpAPI(r, in.Config.API)
	}
	if in.valid("rocketmq") {
		r.lines = append(r.lines, RocketMQ(ctx, in.Config)...)
	}
	if in.valid("mysql") {
		r.lines = append(r.lines, Database(ctx, in.Config)...)
	}
	return r.lines
}

// valid says whether a section of the configuration can be used.
func (in Input) valid(section string) bool {
	return !slices.ContainsFunc(in.Errors, func(e *config.FieldError) bool {
		return e.Field == "" || e.Field == section || strings.HasPrefix(e.Field, section+".")
	})
}

// report collects lines.
type report struct{ lines []Line }

func (r *report) ok(check, format string, args ...any) {
	r.lines = append(r.lines, Line{Check: check, Status: OK, Detail: fmt.Sprintf(format, args...)})
}

func (r *report) warn(check, cure, format string, args ...any) {
	r.lines = append(r.lines, Line{Check: check, Status: Warning, Detail: fmt.Sprintf(format, args...), Cure: cure})
}

func (r *report) fail(check, cure, format string, args ...any) {
	r.lines = append(r.lines, Line{Check: check, Status: Error, Detail: fmt.Sprintf(format, args...), Cure: cure})
}

// count is a number of things in words: 1 queue, 2 queues.
func count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Worst is the worst status of the lines.
func Worst(lines []Line) Status {
	rank := func(s Status) int { return slices.Index([]Status{OK, Warning, Error}, s) }
	worst := OK
	for _, l := range lines {
		if rank(l.Status) > rank(worst) {
			worst = l.Status
		}
	}
	return worst
}
