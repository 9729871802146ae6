package inspect

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// Summary says what run would make of several messages, in sums.
type Summary struct {
	Messages int `json:"messages"`
	Entries  int `json:"entries"`
	// Rejects are by reason, the others of the records: by where the key comes from, by what became of the stamp, by how
	// sure the usage is.
	Rejects     map[string]int            `json:"rejects"`
	KeySources  map[record.KeySource]int  `json:"key_sources"`
	KeyStates   map[billingkey.State]int  `json:"key_states"`
	UsageStates map[record.UsageState]int `json:"usage_states"`
	// Anonymous are records without an APISIX consumer: billed to nobody.
	Anonymous int `json:"anonymous"`
	// Encoded are records whose answer the logger kept compressed, since it can't undo that encoding.
	Encoded int `json:"encoded"`
}

// NewSummary begins a summary.
func NewSummary() *Summary {
	return &Summary{
		Rejects: map[string]int{}, KeySources: map[record.KeySource]int{}, KeyStates: map[billingkey.State]int{},
		UsageStates: map[record.UsageState]int{},
	}
}

// Add takes one message body in.
func (s *Summary) Add(d *pipeline.Deriver, body []byte) {
	s.Messages++
	unit := d.Unit(record.Origin{}, body)
	s.Entries += len(unit.Records) + len(unit.Rejects)
	for i := range unit.Rejects {
		s.Rejects[unit.Rejects[i].Reason]++
	}
	for i := range unit.Records {
		r := &unit.Records[i]
		s.KeySources[r.KeySource]++
		s.KeyStates[r.KeyState]++
		s.UsageStates[r.Usage.State]++
		if r.Consumer == nil || *r.Consumer == "" {
			s.Anonymous++
		}
		if encoded(r.Raw) {
			s.Encoded++
		}
	}
}

// encoded says whether an entry's answer is named as encoded and is no text. Headers say gzip also where the logger has
// undone it.
func encoded(entry []byte) bool {
	e, err := logentry.Decode(entry)
	return err == nil && e.ResponseBody != nil && e.ResponseHeaders.Get("content-encoding") != nil &&
		(strings.ContainsRune(*e.ResponseBody, utf8.RuneError) || !utf8.ValidString(*e.ResponseBody))
}

// cures say what to do about a count that is not as it should be.
var cures = map[string]string{
	"fingerprint":       "no billing object and no believed stamp: add the object to the logger's metadata, bind the runner (billing-consumer doctor says where)",
	"stamp":             "the billing object is missing: add log_format_extra to the logger's metadata (APISIX 3.18)",
	"unsealed":          "the runner has no key: give it BILLING_STAMP_KEYS_FILE",
	"absent":            "no stamp: the runner is not bound to the route, was away, or the request ended before it",
	"malformed":         "what stands there is no stamp: a client sends the header, and no runner replaces it",
	"id_malformed":      "billing.request_id is not $request_id: look at the logger's metadata",
	"unknown_key":       "the runner seals with a key that this configuration does not have: give stamp.keys_file the runner's keys",
	"forged":            "a stamp that was altered, or sealed with another secret under the same name",
	"retired":           "the runner still seals with a key that is retired",
	"time_mismatch":     "an old stamp was sent again, or the clocks of runner and gateway differ",
	"id_mismatch":       "a stamp of another request: a client sends it again, and no runner replaces it",
	"consumer_mismatch": "the stamp names another APISIX consumer: it was sent again, or the runner runs before authentication",
	"unconfirmed":       "the stamp learned its ID from headers, or has no seal, and the billing object is missing",
	"partial":           "some counts are not known: answers that broke off or were cut",
	"missing":           "no usage in the answer: include_resp_body, max_resp_body_bytes, stream_options.include_usage; or give the route its provider",
	"encoded":           "compressed in a way that the logger does not undo: let proxy-rewrite of the route remove Accept-Encoding",
	"anonymous":         "billed to nobody: no authentication on the route, or a log_format without the APISIX consumer",
}

// Print writes the sums as a table, with a cure beside each that is not as it should be.
func (s *Summary) Print(w io.Writer) {
	fmt.Fprintf(w, "%d messages, %d entries\n", s.Messages, s.Entries)
	section(w, "key source", counts(s.KeySources), s.Entries)
	section(w, "key state", counts(s.KeyStates), s.Entries)
	section(w, "usage", counts(s.UsageStates), s.Entries)
	if s.Anonymous > 0 {
		section(w, "APISIX consumer", map[string]int{"anonymous": s.Anonymous}, s.Entries)
	}
	if s.Encoded > 0 {
		section(w, "answers", map[string]int{"encoded": s.Encoded}, s.Entries)
	}
	section(w, "rejects", s.Rejects, s.Entries)
}

// JSON writes the sums as one JSON object.
func (s *Summary) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(s) }

func counts[K ~string](m map[K]int) map[string]int {
	plain := map[string]int{}
	for name, n := range m {
		plain[string(name)] = n
	}
	return plain
}

func section(w io.Writer, title string, counts map[string]int, of int) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for _, name := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	}) {
		fmt.Fprintf(w, "  %-18s %8d  %5.1f %%", name, counts[name], 100*float64(counts[name])/float64(max(of, 1)))
		cure := cures[name]
		if title == "rejects" {
			cure = "a dead letter: what the gateway writes can't be read (inspect FILE shows why)"
		}
		if cure != "" {
			fmt.Fprintf(w, "  %s", cure)
		}
		fmt.Fprintln(w)
	}
}
