package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// results are the figures of a run, in the order in which they were first measured.
type results struct {
	names   []string
	values  map[string][]float64
	units   map[string]string
	backlog []point
}

// point is the most memory, in MB, at a backlog of that many messages.
type point struct {
	messages int
	mb       float64
}

func (r *results) add(name, unit string, value float64) {
	if r.values == nil {
		r.values, r.units = map[string][]float64{}, map[string]string{}
	}
	if _, known := r.values[name]; !known {
		r.names = append(r.names, name)
	}
	r.values[name], r.units[name] = append(r.values[name], value), unit
}

// median is the middle of a figure's rounds; of an even number the lower middle.
func (r *results) median(name string) float64 {
	sorted := slices.Sorted(slices.Values(r.values[name]))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)/2]
}

// derive adds the ratios, of medians, of what was measured.
func (r *results) derive() {
	if _, measured := r.values["seed_style"]; measured {
		limit := 1 / (1/r.median("limit_writer") + 1/r.median("limit_transport"))
		r.add("drain_vs_limit", "ratio", r.median("drain_single")/limit)
		r.add("drain_vs_seed_style", "ratio", r.median("drain_single")/r.median("seed_style"))
		r.add("dup100", "ratio", r.median("again_single")/r.median("drain_single"))
	}
	if _, measured := r.values["runner_noop_c1"]; !measured {
		return
	}
	for _, concurrency := range []string{"c1", "c16"} {
		noop := r.median("runner_noop_" + concurrency)
		r.add("plugin_vs_noop_var_"+concurrency, "ratio", r.median("runner_stamp_var_"+concurrency)/noop)
		r.add("plugin_vs_noop_headers_"+concurrency, "ratio", r.median("runner_stamp_headers_"+concurrency)/noop)
		r.add("two_variables_vs_noop_"+concurrency, "ratio", r.median("runner_noop_vars_"+concurrency)/noop)
	}
}

// form writes a value with as many digits as mean something.
func form(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func (r *results) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "figure\tmedian\tleast\tmost\tunit\t")
	for _, name := range r.names {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t\n", name, form(r.median(name)), form(slices.Min(r.values[name])), form(slices.Max(r.values[name])), r.units[name])
	}
	_ = table.Flush()
	fmt.Fprintln(w)
	for _, name := range r.names {
		fmt.Fprintf(w, "BENCH name=%s value=%s unit=%s\n", name, form(r.median(name)), r.units[name])
	}
}
