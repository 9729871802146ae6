package ops

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"gateway-billing.internal/consumer/internal/record"
)

// counters are a counter with one label. The values that are known are looked up in a map of their own, for the flow counts
// every record: the client library's look-up hashes the labels and takes a lock each time.
type counters struct {
	all   *prometheus.CounterVec
	known map[string]prometheus.Counter
}

func newCounters(all *prometheus.CounterVec, values ...string) *counters {
	c := &counters{all: all, known: map[string]prometheus.Counter{}}
	for _, value := range values { // each starts at 0, so that its first increase is seen
		c.known[value] = all.WithLabelValues(value)
	}
	return c
}

func (c *counters) of(value string) prometheus.Counter {
	if counter, ok := c.known[value]; ok {
		return counter
	}
	return c.all.WithLabelValues(value)
}

const (
	// maxRoutes is how many routes have counters of their own: the first that this process meets.
	maxRoutes = 100
	// No route of APISIX can have these names.
	otherRoutes    = "(other)"
	unmatchedRoute = "(unmatched)"
	unknownRoute   = "(unknown)"
)

var usageStates = []record.UsageState{record.UsageExact, record.UsagePartial, record.UsageMissing, record.UsageNone}

// routeStates are a counter by route and usage state.
type routeStates struct {
	all    *prometheus.CounterVec
	mu     sync.RWMutex
	routes map[string]map[record.UsageState]prometheus.Counter
}

func newRouteStates(all *prometheus.CounterVec) *routeStates {
	s := &routeStates{all: all, routes: map[string]map[record.UsageState]prometheus.Counter{}}
	for _, name := range []string{otherRoutes, unmatchedRoute} {
		s.add(name)
	}
	return s
}

// of is the counter of a record's route, nil where the entry does not say it.
func (s *routeStates) of(id *string, state record.UsageState) prometheus.Counter {
	name := unknownRoute
	if id != nil {
		if name = *id; name == "" {
			name = unmatchedRoute
		}
	}
	s.mu.RLock()
	states, ok := s.routes[name]
	s.mu.RUnlock()
	if !ok {
		states = s.meet(name)
	}
	if counter, ok := states[state]; ok {
		return counter
	}
	return states[record.UsageNone] // there is no other state
}

func (s *routeStates) meet(name string) map[record.UsageState]prometheus.Counter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if states, ok := s.routes[name]; ok {
		return states
	}
	if len(s.routes) >= maxRoutes {
		return s.routes[otherRoutes]
	}
	return s.add(strings.Clone(name)) // not a part of the message
}

func (s *routeStates) add(name string) map[record.UsageState]prometheus.Counter {
	states := map[record.UsageState]prometheus.Counter{}
	label := strings.ToValidUTF8(name[:min(len(name), maxLabel)], "?")
	for _, state := range usageStates {
		states[state] = s.all.WithLabelValues(label, string(state))
	}
	s.routes[name] = states
	return states
}

// maxLabel bounds the text of a route's label; those of APISIX have 64 bytes at most.
const maxLabel = 64
