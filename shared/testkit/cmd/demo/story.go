package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// story prints what happens, each line with the time since the start.
type story struct {
	out   io.Writer
	start time.Time
}

func (s story) tell(format string, args ...any) {
	fmt.Fprintf(s.out, "%5.1f s  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// usage prints the ledger's sums by APISIX consumer and route.
func (s story) usage(recorded map[account]sum) {
	fmt.Fprintln(s.out)
	w := tabwriter.NewWriter(s.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "APISIX consumer\troute\trecords\tprompt\tcompletion\ttokens\t")
	line := func(consumer, route string, s sum) {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t\n", consumer, route, s.requests, s.prompt, s.completion, s.tokens())
	}
	for _, key := range inOrder(recorded) {
		name := key.consumer
		if name == "" {
			name = "(anonymous)"
		}
		line(name, key.route, recorded[key])
	}
	line("all", "", totalOf(recorded))
	_ = w.Flush() // to a terminal
	fmt.Fprintln(s.out)
}

// check prints a comparison and reports whether it holds.
func (s story) check(what string, sent, recorded int64) bool {
	verdict := "ok"
	if sent != recorded {
		verdict = "DIFFERS"
	}
	fmt.Fprintf(s.out, "%-36s %10d = %-10d %s\n", what, sent, recorded, verdict)
	return sent == recorded
}

func counts(m map[string]int64) string {
	if len(m) == 0 {
		return "none"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[name], name))
	}
	return strings.Join(parts, ", ")
}
