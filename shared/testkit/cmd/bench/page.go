package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// page is the results page.
func (b *bench) page() []byte {
	var p bytes.Buffer
	r := &b.results
	fmt.Fprintf(&p, `# Benchmarks

One run of %s on %s; %s writes this page anew.

- Machine: %s, %d processors, %s/%s, %s. Broker, database, consumer and benchmark share it, and saturate it.
- RocketMQ and the database are the ones that the tests start, the broker with the JVM of one in production and warm, the database
  with a buffer pool of 1 GB; every commit is flushed.
- A request is an entry of 2.2 KB with both bodies, a sealed stamp and the %s object, in topics of %d queues; all guarantees
  are on, bodies are kept redacted. After each drain the rows are checked: one a request, verified, with its tokens.
- Each figure is the median of %d rounds in which the sides take turns; a rate counts from the first committed entry to the last.

| figure | median | least | most | unit |
|---|--:|--:|--:|---|
`, "`make bench`", b.databaseName(), "`make bench-page`", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		"`billing`", queues, b.rounds)
	for _, name := range r.names {
		least, most := r.values[name][0], r.values[name][0]
		for _, v := range r.values[name] {
			least, most = min(least, v), max(most, v)
		}
		fmt.Fprintf(&p, "| `%s` | %s | %s | %s | %s |\n", name, form(r.median(name)), form(least), form(most), r.units[name])
	}
	fmt.Fprint(&p, `
What they mean:

- `+"`drain_*`"+`: entries a second from a full topic to committed rows, with 1, 10 or 100 entries a message; `+"`nobody`"+`: without bodies.
- `+"`limit_writer`"+`: the same rows with the same columns, indexes, bodies and sums, written by a loop of multi-row inserts on four
  connections, without broker or consumer. `+"`limit_transport`"+`: the broker's client with a callback that does nothing.
  `+"`drain_vs_limit`"+` compares the drain with both together, 1/(1/writer + 1/transport), since both saturate the processors.
- `+"`seed_style`"+`: a consumer that inserts one row a message by itself, 20 at once, unique by msgId.
- `+"`again_single`, `dup100`"+`: the topic read a second time into the same database, and its rate beside the first.
- `+"`cpu_per_record*`"+`: the consumer process alone. `+"`rss_*`"+`: the most memory it had; `+"`rss_peak`"+`: at the largest backlog; `+"`rss_outage_*`"+`: the database
  hangs for `+b.hang.String()+` behind the first records, with the largest backlog waiting (`+"`single`"+`), or messages of 3.9 MB (one entry with a long answer,
  or a thousand entries).
- `+"`commit_latency_*`"+`: at 1,000 requests a second, from the broker's taking of a message until another connection reads its record.
- `+"`runner_*`"+`: the median of a call over the runner's socket, at 1 and 16 at once; `+"`plugin_vs_noop_*`"+`: beside a runner that does
  nothing; `+"`two_variables_vs_noop_*`"+`: what asking for the two variables takes by itself.

## Records a second by entries a message

`+"```\n")
	bars(&p, "%8s entries", []string{"1", "10", "100"}, []float64{r.median("drain_single"), r.median("drain_batch10"), r.median("drain_batch100")}, "/s")
	fmt.Fprint(&p, "```\n\n## Memory by backlog\n\n```\n")
	var names []string
	var values []float64
	for _, at := range r.backlog {
		names, values = append(names, fmt.Sprint(at.messages)), append(values, at.mb)
	}
	bars(&p, "%8s messages", names, values, " MB")
	fmt.Fprint(&p, "```\n")
	return p.Bytes()
}

// bars draws one bar a value, the longest of 50 characters.
func bars(p *bytes.Buffer, label string, names []string, values []float64, unit string) {
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	for i, v := range values {
		fmt.Fprintf(p, label+"  %s %s%s\n", names[i], strings.Repeat("█", int(50*v/max(top, 1))), form(v), unit)
	}
}

// databaseName is the database's name for people.
func (b *bench) databaseName() string {
	return map[string]string{"mariadb": "MariaDB", "mysql": "MySQL"}[b.server]
}

// processor is the name of the processor, where the kernel tells it.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	_, rest, ok := strings.Cut(string(info), "model name")
	if !ok {
		return "unknown processor"
	}
	name, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), ":"))
}
