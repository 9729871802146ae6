package usagereport

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/totals"
)

// writeTable leaves out the columns in which all is nothing, and sums up at its end.
func writeTable(w io.Writer, q totals.Query, r totals.Result) error {
	total := counts(&r.Total)
	shows := func(i int) bool { // records and tokens always
		return total[i] != "0" || i == 0 || 3 <= i && i <= 5
	}
	units := slices.Sorted(maps.Keys(r.Total.Quantities))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	form, head := timeForm(q), ""
	if form != "" {
		head += "TIME\t"
	}
	for _, by := range q.Names() {
		head += strings.ToUpper(heading(by)) + "\t"
	}
	if head == "" {
		head = "\t"
	}
	names := strings.Count(head, "\t")
	for i, column := range columns {
		if shows(i) {
			head += strings.ToUpper(strings.TrimSuffix(column, "_tokens")) + "\t"
		}
	}
	head = strings.NewReplacer("TOTAL\t", "TOKENS\t", "USAGE_", "").Replace(head)
	for _, unit := range units {
		head += strings.ToUpper(unit) + "\t"
	}
	fmt.Fprintln(table, head)
	figures := func(s *totals.Sums) (text string) {
		for i, n := range counts(s) {
			if shows(i) {
				text += n + "\t"
			}
		}
		for _, unit := range units {
			text += s.Quantities[unit].String() + "\t"
		}
		return text
	}
	for i := range r.Rows {
		row, text := &r.Rows[i], ""
		if form != "" {
			text += row.Start.Format(form) + "\t"
		}
		for _, name := range row.Names {
			text += Shown(name) + "\t"
		}
		fmt.Fprintln(table, text+strings.Repeat("\t", max(names-strings.Count(text, "\t"), 0))+figures(&row.Sums))
	}
	if len(r.Rows) != 1 {
		fmt.Fprintln(table, "all"+strings.Repeat("\t", names)+figures(&r.Total))
	}
	return table.Flush()
}

// timeForm shows the beginning of a row's time, "" where rows are not grouped by time.
func timeForm(q totals.Query) string {
	for _, by := range q.By {
		switch by {
		case totals.ByHour:
			return "2006-01-02 15:04 -07:00"
		case totals.ByDay:
			return time.DateOnly
		case totals.ByMonth:
			return "2006-01"
		}
	}
	return ""
}

// Shown is a name on a terminal: ? is unknown, - known to be empty, and what a terminal would not show as it is stands in
// quotes.
func Shown(name *string) string {
	switch {
	case name == nil:
		return "?"
	case *name == "":
		return "-"
	}
	quoted := strconv.QuoteToGraphic(*name)
	if inner := quoted[1 : len(quoted)-1]; inner == *name && strings.TrimSpace(inner) == inner && inner != "?" && inner != "-" {
		return inner
	}
	return quoted
}
