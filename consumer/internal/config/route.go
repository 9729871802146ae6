package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/consumer/internal/policy"
	"gateway-billing.internal/consumer/internal/usage"
)

// Route is one entry of the list `routes`: what holds for the requests that it matches. The first entry that matches
// decides all of it, nothing is taken from others; where none matches, the defaults hold.
type Route struct {
	// Match says which requests the entry is for. Without it the entry is for all, and the last of the list.
	Match RouteMatch `yaml:"match"`
	// Provider is what answers behind the route, where that is known; without it the answers have to tell.
	Provider string `yaml:"provider"`
	// Meters are what the route is metered by; without them by tokens.
	Meters []RouteMeter `yaml:"meters"`
	// Billable says which requests count.
	Billable RouteBillable `yaml:"billable"`
	// Estimate is `off`, or `bytes` to estimate tokens that are not known from the sizes of request and response.
	Estimate string `yaml:"estimate"`
	// BytesPerToken is how many bytes make one estimated token; required where Estimate is `bytes`.
	BytesPerToken int `yaml:"bytes_per_token"`
}

// RouteMatch is the part `match` of an entry: all that is given must fit.
type RouteMatch struct {
	// RouteID is the ID of the APISIX route.
	RouteID Name `yaml:"route_id"`
	// ServiceID is the ID of the APISIX service.
	ServiceID Name `yaml:"service_id"`
	// URIPrefix begins the path of the request, as the client sent it.
	URIPrefix Name `yaml:"uri_prefix"`
}

// RouteMeter is one entry of `meters`.
type RouteMeter struct {
	// Unit is what is counted: request, tokens, request_bytes, response_bytes, or any other with one of the places below.
	Unit string `yaml:"unit"`
	// ResponseJSON is the path of a number in the response's body, such as $.result.pages.
	ResponseJSON string `yaml:"response_json"`
	// RequestJSON is the path of a number in the request's body.
	RequestJSON string `yaml:"request_json"`
	// ResponseHeader is the name of a response header that holds a number.
	ResponseHeader string `yaml:"response_header"`
}

// RouteBillable is the part `billable` of an entry.
type RouteBillable struct {
	// Statuses are the statuses that count, each as 402 or 2xx; without them those below 400.
	Statuses Codes `yaml:"statuses"`
	// Methods are the methods that count; without them all, but what reads a provider's stored answer: another method than
	// POST, or a POST to its path, whose answer shows a usage object, where provider or the path says that a provider
	// answers, and no meter but tokens stands there.
	Methods []string `yaml:"methods"`
}

// Name is a text that is not empty where it is given: an empty one would match every request.
type Name string

// UnmarshalText refuses the empty text.
func (n *Name) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("must not be empty")
	}
	*n = Name(text)
	return nil
}

// Codes are texts that may be written as numbers.
type Codes []string

// Routes is the list `routes`.
type Routes []Route

// Validate checks every entry.
func (r Routes) Validate() error {
	_, e := r.read()
	return e.orNil()
}

// Policy is the list as rules. It must be valid.
func (r Routes) Policy() policy.Policy {
	rules, _ := r.read()
	return rules
}

func (r Routes) read() (rules policy.Policy, e Errors) {
	for i, route := range r {
		name := fmt.Sprintf("routes[%d]", i)
		rule := policy.Rule{
			Match:    policy.Match{RouteID: given(route.Match.RouteID), ServiceID: given(route.Match.ServiceID), URIPrefix: given(route.Match.URIPrefix)},
			Provider: usage.Hint(route.Provider),
			Billable: route.Billable.read(name+".billable", &e),
		}
		if rule.Match == (policy.Match{}) && i < len(r)-1 {
			e.add(name, "matches every request: only the last entry may, those behind it have no effect")
		}
		if prefix := route.Match.URIPrefix; prefix != "" && prefix[0] != '/' {
			e.add(name+".match.uri_prefix", "must begin with /")
		}
		if rule.Provider != "" {
			oneOf(&e, name+".provider", rule.Provider, usage.Hints()...)
		}
		rule.Meters = readMeters(name+".meters", route.Meters, &e)
		switch route.Estimate {
		case "", "off":
			if route.BytesPerToken != 0 {
				e.add(name+".bytes_per_token", "has no effect without estimate: bytes")
			}
		case "bytes":
			between(&e, name+".bytes_per_token", route.BytesPerToken, 1, 1<<20)
			rule.BytesPerToken = int64(route.BytesPerToken)
		default:
			e.add(name+".estimate", "must be one of off, bytes")
		}
		rules = append(rules, rule)
	}
	return rules, e
}

func given(n Name) *string {
	if n == "" {
		return nil
	}
	return new(string(n))
}

// maxMeters leaves room among the marks of a record.
const maxMeters = 8

func readMeters(name string, list []RouteMeter, e *Errors) (meters []meter.Meter) {
	if len(list) > maxMeters {
		e.add(name, "must be at most %d", maxMeters)
	}
	units := map[string]bool{}
	for i, m := range list {
		item := fmt.Sprintf("%s[%d]", name, i)
		if err := meter.CheckUnit(m.Unit); err != nil {
			e.add(item+".unit", "%s", err)
		} else if units[m.Unit] {
			e.add(item+".unit", "is given twice in this list")
		}
		units[m.Unit] = true
		from := m.source(item, e)
		meters = append(meters, meter.Meter{Unit: m.Unit, From: from})
	}
	return meters
}

// source is where the meter's number is read.
func (m RouteMeter) source(name string, e *Errors) (from meter.Source) {
	given := 0
	for _, place := range []struct {
		member, text string
		read         func(text string) error
	}{
		{"response_json", m.ResponseJSON, func(text string) error {
			path, err := meter.ParsePath(text)
			from = meter.ResponseJSON(path)
			return err
		}},
		{"request_json", m.RequestJSON, func(text string) error {
			path, err := meter.ParsePath(text)
			from = meter.RequestJSON(path)
			return err
		}},
		{"response_header", m.ResponseHeader, func(text string) error {
			from = meter.ResponseHeader(text)
			return meter.CheckHeader(text)
		}},
	} {
		if place.text == "" {
			continue
		}
		given++
		if err := place.read(place.text); err != nil {
			e.add(name+"."+place.member, "%s", err)
		}
	}
	builtIn, ok := meter.BuiltIn(m.Unit)
	switch {
	case ok && given > 0:
		e.add(name, "a built-in unit takes no response_json, request_json or response_header")
	case ok:
		return builtIn
	case given != 1:
		e.add(name, "needs one of response_json, request_json and response_header")
	}
	return from
}

var (
	statusForm = regexp.MustCompile(`^[1-9](?:xx|[0-9][0-9])$`)
	methodForm = regexp.MustCompile(`^[A-Z]{1,32}$`)
)

// read checks the part and makes its rule.
func (b RouteBillable) read(name string, e *Errors) policy.Billable {
	billable := policy.Billable{Methods: b.Methods}
	for _, text := range b.Statuses {
		if !statusForm.MatchString(text) {
			e.add(name+".statuses", "must each be a status such as 402, or a class such as 2xx")
			break
		}
		from, fromErr := strconv.Atoi(strings.ReplaceAll(text, "x", "0"))
		to, toErr := strconv.Atoi(strings.ReplaceAll(text, "x", "9"))
		if err := errors.Join(fromErr, toErr); err != nil {
			e.add(name+".statuses", "%s", err)
		}
		billable.Statuses = append(billable.Statuses, policy.Statuses{From: from, To: to})
	}
	for _, method := range b.Methods {
		if !methodForm.MatchString(method) {
			e.add(name+".methods", "must each be a method in capital letters, such as POST")
			break
		}
	}
	return billable
}
