package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// sumZones have whole, half and quarter hours, and clocks that are put.
var sumZones = []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"}

// sumTurns are around days on which clocks are put.
var sumTurns = []time.Time{
	time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),
	time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC),
}

func pick[T any](random *mrand.Rand, all ...T) T { return all[random.IntN(len(all))] }

// someRecord is a record of a random time under few random names.
func someRecord(random *mrand.Rand) record.Record {
	at := pick(random, sumTurns...).Add(time.Duration(random.IntN(4*24*3600*1000)-2*24*3600*1000) * time.Millisecond)
	var id [16]byte
	rand.Read(id[:])
	key, err := billingkey.NewKey(at.UnixMilli(), id)
	if err != nil {
		panic(err)
	}
	r := record.Record{
		Origin: record.Origin{Topic: "t", MsgID: "m", Broker: "b"}, Key: key, KeySource: record.KeyFromGateway, KeyState: billingkey.Verified,
		FingerprintKey: key, RequestID: new(billingkey.RequestID(id).String()), RequestTime: at, Billable: random.IntN(4) > 0, BillableReason: "success", Body: "{}",
		Consumer: pick(random, nil, new(""), new("alice"), new("alice"), new("Alice"), new("bob"), new("eve,bob")), RouteID: pick(random, nil, new("chat"), new("")),
		ServiceID: pick(random, nil, new("s")), Status: pick(random, nil, new(200), new(201), new(404), new(7)),
	}
	u := &r.Usage
	u.State, u.Source, u.Model = pick(random, record.UsageExact, record.UsagePartial, record.UsageMissing), record.UsageFromBody, pick(random, nil, new("gpt"), new("claude"))
	for _, n := range []*int64{&u.PromptTokens, &u.CompletionTokens, &u.TotalTokens, &u.CachedTokens, &u.CacheWriteTokens, &u.ReasoningTokens, &u.AudioTokens} {
		*n = random.Int64N(1000)
	}
	if random.IntN(40) == 0 {
		u.TotalTokens = 1<<62 + 1 // some of them are more than a double or an int64 has room for
	}
	if random.IntN(3) == 0 {
		u.Quantities = []record.Quantity{{Unit: "image", Amount: fmt.Sprintf("%d.%09d", random.IntN(9), random.IntN(1e9))}}
	}
	if random.IntN(3) > 0 {
		r.Dimensions = map[string]string{"team": pick(random, "red", "blue", "a=b")}
	}
	return r
}

// asking is a random question: its address, and what it takes.
type asking struct {
	query  url.Values
	takes  func(*record.Record) bool
	period string
	loc    *time.Location
	by     []string
}

func someQuestion(random *mrand.Rand) asking {
	a := asking{query: url.Values{}}
	zone := pick(random, sumZones...)
	a.query.Set("zone", zone)
	a.loc, _ = time.LoadLocation(zone)
	from := pick(random, sumTurns...).Add(time.Duration(random.IntN(4*96)-2*96) * 15 * time.Minute)
	to := from.Add(time.Duration(1+random.IntN(6*96)) * 15 * time.Minute)
	switch random.IntN(3) {
	case 0: // a day of the zone, its bounds as Go's calendar has them
		y, m, d := from.In(a.loc).Date()
		from, to = time.Date(y, m, d, 0, 0, 0, 0, a.loc), time.Date(y, m, d+1, 0, 0, 0, 0, a.loc)
		a.query.Set("from", from.Format(time.DateOnly))
	case 1:
		from, to = time.Date(2026, 1, 1, 0, 0, 0, 0, a.loc), time.Date(2026, 12, 1, 0, 0, 0, 0, a.loc)
		a.query.Set("from", "2026-01")
		a.query.Set("to", "2026-12")
	default:
		a.query.Set("from", from.In(a.loc).Format(time.RFC3339))
		a.query.Set("to", to.Format(time.RFC3339))
	}
	if a.period = pick(random, "", "hour", "day", "month"); a.period != "" {
		a.by = append(a.by, a.period)
	}
	for _, by := range []string{"consumer", "route", "service", "model", "status", "billable", "dimension:team"} {
		if random.IntN(4) == 0 {
			a.by = append(a.by, by)
		}
	}
	random.Shuffle(len(a.by), func(i, j int) { a.by[i], a.by[j] = a.by[j], a.by[i] })
	if len(a.by) > 0 {
		a.query.Set("by", strings.Join(a.by, ","))
	}
	for name, all := range map[string][]string{
		"consumer": {"alice", "bob", "", "?", "eve,bob", "nobody"}, "route": {"chat", "", "?"}, "model": {"gpt", "?", "none"}, "status": {"2xx", "4xx", "?"},
	} {
		if random.IntN(4) == 0 {
			for range 1 + random.IntN(3) {
				a.query.Add(name, pick(random, all...))
			}
		}
	}
	if random.IntN(4) == 0 {
		a.query.Set("billable", pick(random, "true", "false"))
	}
	if random.IntN(4) == 0 {
		a.query.Set("dimension", "team="+pick(random, "red", "a=b", "none"))
	}
	a.takes = func(r *record.Record) bool {
		for name, wanted := range a.query {
			switch name {
			case "consumer", "route", "service", "model", "status":
				if have := nameOf(r, name); !slices.ContainsFunc(wanted, func(w string) bool { return have == nil && w == "?" || have != nil && *have == w }) {
					return false
				}
			case "billable":
				if fmt.Sprint(r.Billable) != wanted[0] {
					return false
				}
			case "dimension":
				if have := nameOf(r, "dimension:team"); have == nil || "team="+*have != wanted[0] {
					return false
				}
			}
		}
		return !r.RequestTime.Before(from) && r.RequestTime.Before(to)
	}
	return a
}

func nameOf(r *record.Record, by string) *string {
	switch by {
	case "consumer":
		return r.Consumer
	case "route":
		return r.RouteID
	case "service":
		return r.ServiceID
	case "model":
		return r.Usage.Model
	case "billable":
		return new(fmt.Sprint(r.Billable))
	case "status":
		if r.Status == nil || *r.Status < 100 {
			return nil
		}
		return new(fmt.Sprintf("%dxx", *r.Status/100))
	}
	if team, ok := r.Dimensions["team"]; ok {
		return &team
	}
	return nil
}

// sums are figures by name, as texts.
func sums(records []*record.Record) map[string]string {
	all := map[string]*big.Rat{}
	add := func(name, n string) {
		amount, _ := new(big.Rat).SetString(n)
		if all[name] == nil {
			all[name] = new(big.Rat)
		}
		all[name].Add(all[name], amount)
	}
	for _, name := range []string{"records", "usage_missing", "usage_partial", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "audio_tokens"} {
		add(name, "0")
	}
	for _, r := range records {
		add("records", "1")
		switch u := &r.Usage; u.State {
		case record.UsageMissing:
			add("usage_missing", "1")
		case record.UsagePartial:
			add("usage_partial", "1")
		}
		for name, n := range map[string]int64{
			"prompt_tokens": r.Usage.PromptTokens, "completion_tokens": r.Usage.CompletionTokens, "total_tokens": r.Usage.TotalTokens,
			"cached_tokens": r.Usage.CachedTokens, "cache_write_tokens": r.Usage.CacheWriteTokens, "reasoning_tokens": r.Usage.ReasoningTokens, "audio_tokens": r.Usage.AudioTokens,
		} {
			add(name, fmt.Sprint(n))
		}
		for _, q := range r.Usage.Quantities {
			add("+"+q.Unit, q.Amount)
		}
	}
	texts := map[string]string{}
	for name, n := range all {
		if n.Sign() != 0 || !strings.HasPrefix(name, "+") {
			texts[name] = n.RatString()
		}
	}
	return texts
}

// told are the figures of a row of an answer, with all their digits.
func told(row map[string]any) map[string]string {
	texts := map[string]string{}
	add := func(name string, v any) {
		if n, ok := new(big.Rat).SetString(fmt.Sprint(v)); ok && (n.Sign() != 0 || !strings.HasPrefix(name, "+")) {
			texts[name] = n.RatString()
		}
	}
	for name, v := range row {
		switch name {
		case "from", "to", "group":
		case "quantities":
			for unit, amount := range v.(map[string]any) {
				add("+"+unit, amount)
			}
		default:
			add(name, v)
		}
	}
	return texts
}

// Whatever is asked for, in whatever zone and by whoever, the answer is what the records add up to that the token may see, and
// what `usage report` says.
func TestUsageIsWhatTheRecordsAddUpTo(t *testing.T) {
	t.Parallel()
	may := map[string][]string{"all": nil, "alice": {"alice"}, "some": {"bob", "", "Alice"}, "comma": {"eve,bob"}, "none": {}, "ghost": {"?"}}
	var grants []apitoken.Grant
	for _, who := range slices.Sorted(maps.Keys(may)) {
		grants = append(grants, apitoken.Grant{Name: who, Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: may[who]})
	}
	s := serve(t, grants)
	seed := uint64(time.Now().UnixNano())
	random := mrand.New(mrand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	var all []record.Record
	for part := range 3 { // folded, and not folded yet
		var unit record.Unit
		for range 120 {
			unit.Records = append(unit.Records, someRecord(random))
		}
		for i := range unit.Records {
			unit.Records[i].EntryIndex = i
		}
		if _, err := s.writer.Commit(t.Context(), unit); err != nil {
			t.Fatal(err)
		}
		all = append(all, unit.Records...)
		if part < 2 {
			if _, err := s.store.FoldUsage(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows, empty, reports := 0, 0, 0
	for n := range 120 {
		q, who := someQuestion(random), pick(random, slices.Sorted(maps.Keys(may))...)
		if n%8 == 0 {
			who = "all"
		}
		sees := func(r *record.Record) bool {
			return may[who] == nil || r.Consumer != nil && slices.Contains(may[who], *r.Consumer)
		}
		want := map[string][]*record.Record{}
		var total []*record.Record
		for i := range all {
			if r := &all[i]; q.takes(r) && sees(r) {
				g := q.group(r)
				want[g] = append(want[g], r)
				total = append(total, r)
			}
		}
		a := s.get(who, "/v1/usage?"+q.query.Encode())
		if a.status != http.StatusOK {
			t.Fatalf("%s: %v: %d %s", who, q.query, a.status, a.body)
		}
		var got struct {
			Rows  []map[string]any
			Total map[string]any
		}
		decoder := json.NewDecoder(bytes.NewReader(a.body))
		decoder.UseNumber()
		if err := decoder.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(told(got.Total), sums(total)) || len(got.Rows) != len(want) {
			t.Fatalf("%s: %v: %d rows, %v, want %d rows, %v", who, q.query, len(got.Rows), told(got.Total), len(want), sums(total))
		}
		for _, row := range got.Rows {
			g := q.groupOfRow(row)
			if !maps.Equal(told(row), sums(want[g])) {
				t.Fatalf("%s: %v: %s: %v, want %v", who, q.query, g, told(row), sums(want[g]))
			}
			delete(want, g)
		}
		rows += len(got.Rows)
		if len(got.Rows) == 0 {
			empty++
		}
		if n%8 == 0 && q.query["dimension"] == nil { // of which it knows no filter
			reports++
			if lines := report(t, s.dsn, q.query); !reflect.DeepEqual(lines, got.Rows) && len(lines)+len(got.Rows) > 0 {
				t.Fatalf("%v: usage report says\n%v\nand the API\n%v", q.query, lines, got.Rows)
			}
		}
	}
	if rows < 300 || empty < 5 || reports == 0 {
		t.Errorf("%d rows, %d empty answers, %d reports: the test tries less than it says", rows, empty, reports)
	}
}

// group is the group of a record, by the beginning of its time as its zone shows it, and the names.
func (q *asking) group(r *record.Record) string {
	return q.label(r.RequestTime, func(by string) *string { return nameOf(r, by) })
}

func (q *asking) groupOfRow(row map[string]any) string {
	at, err := time.Parse(time.RFC3339, row["from"].(string))
	if err != nil {
		return err.Error()
	}
	return q.label(at, func(by string) *string {
		if name, ok := row["group"].(map[string]any)[by].(string); ok {
			return &name
		}
		return nil
	})
}

func (q *asking) label(at time.Time, name func(by string) *string) string {
	form := map[string]string{"": "", "hour": "2006-01-02T15-0700", "day": "2006-01-02", "month": "2006-01"}[q.period]
	parts := []string{at.In(q.loc).Format(form)}
	for _, by := range q.by {
		switch n := name(by); {
		case by == q.period:
		case n == nil:
			parts = append(parts, by+" unknown")
		default:
			parts = append(parts, fmt.Sprintf("%s=%q", by, *n))
		}
	}
	return strings.Join(parts, "\n")
}

// report is what `usage report` says to the same question.
func report(t *testing.T, dsn string, query url.Values) (rows []map[string]any) {
	t.Helper()
	args := []string{"usage", "report", "--output", "ndjson"}
	for name, values := range query {
		for _, v := range values {
			if name == "billable" {
				v = map[string]string{"true": "yes", "false": "no"}[v]
			}
			args = append(args, "--"+name+"="+v)
		}
	}
	var out, problems bytes.Buffer
	if code := cli.Run(t.Context(), args, strings.NewReader(""), &out, &problems, []string{"BILLING_MYSQL_DSN=" + dsn}); code != cli.ExitOK {
		t.Fatalf("%q: %s", args, problems.String())
	}
	decoder := json.NewDecoder(&out)
	decoder.UseNumber()
	for decoder.More() {
		var row map[string]any
		if err := decoder.Decode(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// An answer of more rows than one may have is none, and where records are pruned a dimension is none, for whoever asks; what does
// not need records is told as before.
func TestUsageThatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops"), {Name: "alice", Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: []string{"alice"}}})
	old, kept := time.Now().AddDate(0, 0, -40).UTC(), time.Now().AddDate(0, 0, -20).UTC()
	s.record(used{new("alice"), "gpt", old, 5, ""}, used{new("alice"), "gpt", kept, 7, ""}, used{new("bob"), "gpt", old, 11, ""})
	if _, err := s.store.PruneLedger(t.Context(), time.Now().AddDate(0, 0, -30), func(int64) {}); err != nil {
		t.Fatal(err)
	}
	from, edge := old.Format(time.DateOnly), kept.Format(time.DateOnly)
	for _, who := range []string{"ops", "alice"} {
		for _, cut := range []string{"by=dimension:team", "dimension=team%3Dred", "by=day,dimension:team&dimension=team%3Dred"} {
			if p := s.get(who, "/v1/usage?from="+from+"&to="+edge+"&"+cut).problem(t, http.StatusConflict); p.Type != "/problems/pruned" {
				t.Errorf("%s: %+v", cut, p)
			}
		}
	}
	for who, tokens := range map[string]int64{"ops": 16, "alice": 5} {
		var got usage
		if s.get(who, "/v1/usage?from="+from).into(t, &got); got.Total.TotalTokens != tokens {
			t.Errorf("%s: %+v, want %d tokens", who, got.Total, tokens)
		}
	}
	var got usage
	if s.get("alice", "/v1/usage?from="+edge+"&by=dimension:team").into(t, &got); got.Total.TotalTokens != 7 {
		t.Errorf("behind what is pruned: %+v", got.Total)
	}

	// One row too many, and only for who sees them all.
	var unit record.Unit
	for i := range 20_001 {
		key, err := billingkey.NewKey(kept.UnixMilli(), [16]byte{1, byte(i >> 8), byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		r := someRecord(mrand.New(mrand.NewPCG(1, uint64(i))))
		r.Key, r.FingerprintKey, r.RequestTime = key, key, kept.Truncate(time.Millisecond)
		r.EntryIndex, r.Consumer, r.RouteID = i, new("bob"), new(fmt.Sprintf("route-%d", i))
		if i == 0 {
			r.Consumer = new("alice")
		}
		unit.Records = append(unit.Records, r)
	}
	for part := range slices.Chunk(unit.Records, 1000) {
		if _, err := s.writer.Commit(t.Context(), record.Unit{Records: part}); err != nil {
			t.Fatal(err)
		}
	}
	many := "/v1/usage?by=route&from=" + edge
	if p := s.get("ops", many).problem(t, http.StatusUnprocessableEntity); p.Type != "/problems/too-many-rows" {
		t.Errorf("%+v", p)
	}
	for who, path := range map[string]string{"alice": many, "ops": many + "&route=route-7"} {
		if a := s.get(who, path); a.status != http.StatusOK || !strings.Contains(string(a.body), `"records":1,`) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
