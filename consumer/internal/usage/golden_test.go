package usage_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/usage"
	"gateway-billing.internal/shared/logentry"
)

var update = flag.Bool("update", false, "write what the code finds into expected.json of the golden cases")

// golden is the directory of the golden cases, testdata/golden/<shape>/<case>:
//
//	response.body  the answer as the logger kept it, exact bytes; no such file: no body was kept
//	meta.json      what else the entry tells, and why the case is there
//	expected.json  the usage of its record; null is not known
//
// A new case is a directory with the first two; `go test ./internal/usage -run Golden -update` writes the third, which is
// then read by eye against the provider's documentation.
const golden = "testdata/golden"

// meta is an entry without its answer.
type meta struct {
	Why         string          `json:"why"`
	Method      string          `json:"method"`
	URI         string          `json:"uri"`
	Status      int             `json:"status"`
	ContentType string          `json:"content_type,omitempty"`
	RequestBody *string         `json:"request_body,omitempty"`
	LLMSummary  json.RawMessage `json:"llm_summary,omitempty"`
	Hint        usage.Hint      `json:"hint,omitempty"`
}

// expected is a record.Usage without the raw object.
type expected struct {
	State              record.UsageState  `json:"state"`
	Source             record.UsageSource `json:"source"`
	Prompt             int64              `json:"prompt"`
	Completion         int64              `json:"completion"`
	Total              int64              `json:"total"`
	Cached             int64              `json:"cached"`
	CacheWrite         int64              `json:"cache_write"`
	Reasoning          int64              `json:"reasoning"`
	Audio              int64              `json:"audio"`
	Quantities         []record.Quantity  `json:"quantities"`
	Mismatch           bool               `json:"mismatch"`
	Model              *string            `json:"model"`
	ModelRequested     *string            `json:"model_requested"`
	ServiceTier        *string            `json:"service_tier"`
	ProviderResponseID *string            `json:"provider_response_id"`
	Stream             *bool              `json:"stream"`
}

func expectedOf(u record.Usage) expected {
	quantities := slices.Clone(u.Quantities)
	slices.SortFunc(quantities, func(a, b record.Quantity) int { return strings.Compare(a.Unit, b.Unit) })
	if quantities == nil {
		quantities = []record.Quantity{}
	}
	return expected{
		State: u.State, Source: u.Source, Prompt: u.PromptTokens, Completion: u.CompletionTokens, Total: u.TotalTokens,
		Cached: u.CachedTokens, CacheWrite: u.CacheWriteTokens, Reasoning: u.ReasoningTokens, Audio: u.AudioTokens,
		Quantities: quantities, Mismatch: u.Mismatch, Model: u.Model, ModelRequested: u.ModelRequested,
		ServiceTier: u.ServiceTier, ProviderResponseID: u.ProviderResponseID, Stream: u.Stream,
	}
}

func (e expected) json(t testing.TB) string {
	t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(e); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// goldenCase is one directory.
type goldenCase struct {
	dir  string
	meta meta
	body *string
}

// entry is the case's log entry, its answer replaced by body. Bytes that are not UTF-8 are read as logentry reads them.
func (c *goldenCase) entry(body *string) *logentry.Entry {
	e := &logentry.Entry{
		Format: logentry.Default, Method: &c.meta.Method, URI: &c.meta.URI, Status: &c.meta.Status,
		RequestBody: c.meta.RequestBody, LLMSummary: c.meta.LLMSummary,
	}
	if c.meta.ContentType != "" {
		e.ResponseHeaders = logentry.HeadersOf(map[string][]string{"content-type": {c.meta.ContentType}})
	}
	if body != nil {
		text := strings.ToValidUTF8(*body, "\uFFFD")
		e.ResponseBody = &text
	}
	return e
}

func goldenCases(t testing.TB) []goldenCase {
	t.Helper()
	dirs, err := filepath.Glob(golden + "/*/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no golden cases, error %v", err)
	}
	cases := make([]goldenCase, 0, len(dirs))
	for _, dir := range dirs {
		c := goldenCase{dir: dir}
		readJSON(t, filepath.Join(dir, "meta.json"), &c.meta)
		switch body, err := os.ReadFile(filepath.Join(dir, "response.body")); {
		case err == nil:
			text := string(body)
			c.body = &text
		case !errors.Is(err, fs.ErrNotExist):
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// readJSON reads a file whose members must all be known.
func readJSON(t testing.TB, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestGolden(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(strings.TrimPrefix(filepath.ToSlash(c.dir), golden+"/"), func(t *testing.T) {
			got := expectedOf(usage.Extract(c.entry(c.body), c.meta.Hint)).json(t)
			file := filepath.Join(c.dir, "expected.json")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			var want expected
			readJSON(t, file, &want)
			if only, lost := onlyIn(got, want.json(t)), onlyIn(want.json(t), got); only != lost {
				t.Errorf("%s\ngot  %s\nwant %s", c.meta.Why, only, lost)
			}
		})
	}
}

// onlyIn is the lines of a that b does not have.
func onlyIn(a, b string) string {
	others := strings.Split(b, "\n")
	var only []string
	for line := range strings.SplitSeq(a, "\n") {
		if !slices.Contains(others, line) {
			only = append(only, strings.Trim(line, " ,"))
		}
	}
	return strings.Join(only, ", ")
}

// Wherever the answer of a golden case is cut, its counts are exact only where they are those of the whole answer, and
// they always add up.
func TestGoldenCutAnywhere(t *testing.T) {
	for _, c := range goldenCases(t) {
		if c.body == nil {
			continue
		}
		var want expected
		readJSON(t, filepath.Join(c.dir, "expected.json"), &want)
		for n := range len(*c.body) {
			cut := (*c.body)[:n]
			u := usage.Extract(c.entry(&cut), c.meta.Hint)
			checkSums(t, u)
			if u.State == record.UsageExact && u.Source == record.UsageFromBody && !sameCounts(expectedOf(u), want) {
				t.Errorf("%s cut at %d: %s, the whole answer gives %s", c.dir, n, short(u), want.json(t))
				break
			}
		}
	}
}

func sameCounts(a, b expected) bool {
	return a.Prompt == b.Prompt && a.Completion == b.Completion && a.Cached == b.Cached && a.CacheWrite == b.CacheWrite &&
		a.Reasoning == b.Reasoning && a.Audio == b.Audio && slices.Equal(a.Quantities, b.Quantities)
}

// checkSums holds what is true of every record's usage, whatever the entry was.
func checkSums(t testing.TB, u record.Usage) {
	t.Helper()
	if u.TotalTokens != u.PromptTokens+u.CompletionTokens || u.CachedTokens+u.CacheWriteTokens > u.PromptTokens ||
		u.ReasoningTokens > u.CompletionTokens || u.AudioTokens > u.TotalTokens ||
		min(u.PromptTokens, u.CompletionTokens, u.CachedTokens, u.CacheWriteTokens, u.ReasoningTokens, u.AudioTokens) < 0 {
		t.Errorf("the sums do not hold: %s", short(u))
	}
	counted := u.State == record.UsageExact || u.State == record.UsagePartial
	if !counted && (u.TotalTokens != 0 || len(u.Quantities) > 0) || counted == (u.Source == record.UsageFromNone) {
		t.Errorf("counts without a state: %s %v", short(u), u.Quantities)
	}
	if u.RawJSON != nil && !json.Valid(u.RawJSON) {
		t.Errorf("the raw usage is no JSON: %q", u.RawJSON)
	}
}

func FuzzGolden(f *testing.F) {
	for _, c := range goldenCases(f) {
		if c.body != nil {
			f.Add(*c.body, c.meta.ContentType, c.meta.URI, string(c.meta.LLMSummary), string(c.meta.Hint))
		}
	}
	f.Fuzz(func(t *testing.T, body, contentType, uri, summary, hint string) {
		c := goldenCase{meta: meta{Method: "POST", URI: uri, Status: 200, ContentType: contentType, RequestBody: &body, Hint: usage.Hint(hint)}}
		if strings.HasPrefix(summary, "{") && json.Valid([]byte(summary)) {
			c.meta.LLMSummary = json.RawMessage(summary)
		}
		checkSums(t, usage.Extract(c.entry(&body), c.meta.Hint))
	})
}
