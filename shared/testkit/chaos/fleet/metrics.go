package fleet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var address = regexp.MustCompile(`"address":"([^"]+)"`)

// sampleTick is how often Sample looks: what happens to a consumer between its last sample and its end is not seen.
const sampleTick = time.Second

// Metrics adds up the counters of all members that run, by name and labels as they are written.
func (f *Fleet) Metrics(ctx context.Context) (map[string]float64, error) {
	sums := map[string]float64{}
	for _, m := range f.running() {
		counters, err := m.scrape(ctx)
		if err != nil {
			return nil, err
		}
		add(sums, counters)
	}
	return sums, nil
}

// Sample looks at the counters of all members again and again until ctx ends, and returns the sum of what it saw last of
// each, of those too that were killed: a lower bound.
func (f *Fleet) Sample(ctx context.Context) map[string]float64 {
	last := map[*member]map[string]float64{}
	tick := time.NewTicker(sampleTick)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, m := range f.running() {
			if counters, err := m.scrape(ctx); err == nil { // it may be halted, or be gone
				last[m] = counters
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	sums := map[string]float64{}
	for _, counters := range last {
		add(sums, counters)
	}
	return sums
}

// API is where a member serves the HTTP API.
func (f *Fleet) API(ctx context.Context) (url string, err error) {
	running := f.running()
	if len(running) == 0 {
		return "", errors.New("nothing serves the API now")
	}
	return running[0].API(ctx)
}

func (f *Fleet) running() []*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.members)
}

func add(sums, counters map[string]float64) {
	for name, value := range counters {
		sums[name] += value
	}
}

// scrape asks a member for its counters. A halted one does not answer in time.
func (m *member) scrape(ctx context.Context) (map[string]float64, error) {
	log, err := os.ReadFile(m.log)
	if err != nil {
		return nil, err
	}
	found := address.FindSubmatch(log)
	if found == nil {
		return nil, errors.New("a consumer has not said where its metrics are")
	}
	ctx, cancel := context.WithTimeout(ctx, sampleTick)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+string(found[1])+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	defer response.Body.Close()
	counters := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		i := strings.LastIndexByte(lines.Text(), ' ')
		if i < 0 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		if value, err := strconv.ParseFloat(lines.Text()[i+1:], 64); err == nil {
			counters[lines.Text()[:i]] = value
		}
	}
	return counters, lines.Err()
}
