package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// resources are what the runner says of itself.
type resources struct {
	connections, goroutines, descriptors, heapMiB, rssMiB float64
}

// mostMemory is what a runner may ever hold, in MiB; it has few connections and no frame of a MiB here.
const mostMemory = 200

// address is how a runner tells where its metrics are.
var address = regexp.MustCompile(`"address":"([^"]+)"`)

// late is how many goroutines and descriptors the Go runtime may begin to have after a program's start.
const late = 2

// scrape asks the metrics of the runner that was started last.
func (p *parts) scrape(ctx context.Context) (r resources, err error) {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return r, err
	}
	told := address.FindAllSubmatch(log, -1)
	if len(told) == 0 {
		return r, errors.New("the runner has not said where its metrics are")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+string(told[len(told)-1][1])+"/metrics", nil)
	if err != nil {
		return r, err
	}
	request.Close = true // so that each finds the runner as the other did
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	gauges := map[string]float64{} // 0 where this system does not tell
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if name, text, ok := strings.Cut(lines.Text(), " "); ok {
			gauges[name], _ = strconv.ParseFloat(text, 64) // a comment is none that is asked for
		}
	}
	const mib = 1 << 20
	return resources{
		connections: gauges["billing_runner_connections"], goroutines: gauges["go_goroutines"], descriptors: gauges["process_open_fds"],
		heapMiB: gauges["go_memstats_heap_alloc_bytes"] / mib, rssMiB: gauges["process_resident_memory_bytes"] / mib,
	}, lines.Err()
}

// fresh is what a runner has that was just started.
func (p *parts) fresh(ctx context.Context) (r resources, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if r, err = p.scrape(ctx); err == nil && r.connections == 0 { // it was knocked at when it began
			return r, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, fmt.Errorf("the runner's metrics: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// sample keeps the largest of what is seen each second.
func (p *parts) sample(ctx context.Context) (largest resources) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return largest
		case <-tick.C:
		}
		r, err := p.scrape(ctx)
		if err != nil {
			continue // the runner is down
		}
		largest = resources{
			max(largest.connections, r.connections), max(largest.goroutines, r.goroutines), max(largest.descriptors, r.descriptors),
			max(largest.heapMiB, r.heapMiB), max(largest.rssMiB, r.rssMiB),
		}
	}
}

// givenBack waits until the runner has as little as a fresh one has; what it then still holds is a leak.
func (p *parts) givenBack(ctx context.Context, fresh resources) (r resources, err error) {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second) // half a frame is waited for for a minute
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err = p.scrape(ctx)
		if err == nil && r.connections == 0 && r.goroutines <= fresh.goroutines+late && r.descriptors <= fresh.descriptors+late {
			return r, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, fmt.Errorf("the runner keeps %+v, and had %+v when it began (%w)", r, fresh, err)
		}
	}
}
