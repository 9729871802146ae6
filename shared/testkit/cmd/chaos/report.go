package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"gateway-billing.internal/shared/testkit/chaos/check"
)

// shown is how many differences are printed.
const shown = 5

// tell prints what happened, and the first differences.
func tell(out io.Writer, p *parts, injected *injected, report *check.Report) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(what string, n any) { fmt.Fprintf(w, "%s\t%v\n", what, n) }
	faults := 0
	for _, kind := range slices.Sorted(maps.Keys(injected.kinds)) {
		line("  "+kind, injected.kinds[kind])
		faults += injected.kinds[kind]
	}
	counts := p.book.Counts()
	line("faults injected", faults)
	line("requests sent", len(p.book.Requests()))
	line("  withheld (gaps)", report.Missing)
	line("messages", counts.Messages)
	line("  of them again", counts.Resent)
	line("entries", counts.Entries)
	line("duplicates absorbed", report.Duplicates)
	line("records", report.Records)
	line("  repeats of an order", report.Repeats)
	line("  changed behind a taker", report.ComeAgain)
	line("  taken over HTTP", report.ByHTTP)
	line("    in answers", report.Answers)
	line("    requests without an answer", report.Broken)
	line("tokens, by records = API = export", report.Tokens)
	line("dead letters", report.DeadLetters)
	for _, name := range slices.Sorted(maps.Keys(injected.seen)) {
		if fault, ok := strings.CutPrefix(name, "billing_retries_total{fault="); ok && injected.seen[name] > 0 {
			line("  transactions tried again: "+strings.Trim(fault, `"}`), injected.seen[name])
		}
	}
	_ = w.Flush() // to a terminal
	for _, difference := range report.Differences[:min(shown, len(report.Differences))] {
		fmt.Fprintln(out, difference)
	}
	if n := len(report.Differences); n > 0 {
		fmt.Fprintf(out, "%d differences\n", n)
		return
	}
	fmt.Fprintf(out, "ok: %d requests, each one record; nothing lost, doubled or stolen\n", report.Records)
}
