package ledger_test

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/decimal"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/usagereport"
	"gateway-billing.internal/shared/billingkey"
)

// usageZones are the zones of random queries: whole, half and quarter hours, and clocks that are put at midnight.
var usageZones = []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana"}

// usageFrom begins a year in which all of them put their clocks.
var usageFrom = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func keyOf(at time.Time, id [16]byte) billingkey.Key {
	key, err := billingkey.NewKey(at.UnixMilli(), id)
	if err != nil {
		panic(err)
	}
	return key
}

// randomUsage is a record of a random time around the days on which clocks are put, under few random names.
func randomUsage(random *rand.Rand) record.Record {
	turns := []time.Time{
		time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC), time.Date(2026, 4, 23, 22, 0, 0, 0, time.UTC),
		time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC),
	}
	at := turns[random.IntN(len(turns))].Add(time.Duration(random.IntN(4*24*3600*1000)-2*24*3600*1000) * time.Millisecond)
	name := func(all ...string) *string {
		if i := random.IntN(len(all) + 1); i < len(all) {
			return &all[i]
		}
		return nil
	}
	return request(someID(), func(r *record.Record) {
		r.Key, r.RequestTime = keyOf(at, [16]byte(r.Key[6:])), at
		r.FingerprintKey = keyOf(at, [16]byte(r.FingerprintKey[6:]))
		r.Consumer, r.RouteID, r.ServiceID = name("alice", "bob", "bob ", ""), name("chat", ""), name("s")
		r.Usage.Model = name("gpt", "claude", "Claude")
		r.Status, r.Billable = nil, random.IntN(4) > 0
		if random.IntN(5) > 0 {
			r.Status = new([]int{200, 201, 404, 502, 7}[random.IntN(5)])
		}
		u := &r.Usage
		u.State = []record.UsageState{record.UsageExact, record.UsagePartial, record.UsageMissing, record.UsageNone}[random.IntN(4)]
		for _, n := range []*int64{&u.PromptTokens, &u.CompletionTokens, &u.TotalTokens, &u.CachedTokens, &u.CacheWriteTokens, &u.ReasoningTokens, &u.AudioTokens} {
			*n = random.Int64N(1000)
		}
		if random.IntN(50) == 0 {
			u.TotalTokens = 1<<63 - 1 // two of them are more than an int64
		}
		for _, unit := range []string{"image", "second"} {
			if random.IntN(4) == 0 {
				u.Quantities = append(u.Quantities, record.Quantity{Unit: unit, Amount: fmt.Sprintf("%d.%09d", random.IntN(9), random.IntN(1e9))})
			}
		}
		if random.IntN(3) > 0 {
			r.Dimensions = map[string]string{"team": []string{"red", "blue"}[random.IntN(2)]}
		}
	})
}

// accountRow is a row of the ledger as the test sums it, in its own way.
type accountRow struct {
	at                                      time.Time
	consumer, route, service, model, status *string
	billable                                bool
	dimensions                              map[string]string
	state                                   string
	tokens                                  [7]int64
	quantities                              []record.Quantity
}

func accountRows(t *testing.T, db *sql.DB) (all []accountRow) {
	t.Helper()
	rows, err := db.Query(`SELECT request_time, consumer, route_id, service_id, model, IF(status >= 100, CONCAT(LEFT(status, 1), 'xx'), NULL),
		billable, dimensions, usage_state, quantities, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens,
		reasoning_tokens, audio_tokens FROM mq_consume_log`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r accountRow
		var dimensions, quantities sql.NullString
		into := []any{&r.at, &r.consumer, &r.route, &r.service, &r.model, &r.status, &r.billable, &dimensions, &r.state, &quantities}
		for i := range r.tokens {
			into = append(into, &r.tokens[i])
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		if dimensions.Valid && json.Unmarshal([]byte(dimensions.String), &r.dimensions) != nil ||
			quantities.Valid && json.Unmarshal([]byte(quantities.String), &r.quantities) != nil {
			t.Fatalf("%s %s", dimensions.String, quantities.String)
		}
		all = append(all, r)
	}
	return all
}

func shownName(s *string) string {
	if s == nil {
		return "NULL"
	}
	return fmt.Sprintf("%q", *s)
}

// groupOf is the row's group in a query's answer.
func (r *accountRow) groupOf(q *totals.Query) string {
	form := map[totals.By]string{totals.ByHour: "2006-01-02T15-0700", totals.ByDay: "2006-01-02", totals.ByMonth: "2006-01"}
	time, rest := "", ""
	for _, by := range q.By {
		switch by {
		case totals.ByHour, totals.ByDay, totals.ByMonth:
			time = r.at.In(q.Location).Format(form[by])
		case totals.ByConsumer:
			rest += " " + shownName(r.consumer)
		case totals.ByRoute:
			rest += " " + shownName(r.route)
		case totals.ByService:
			rest += " " + shownName(r.service)
		case totals.ByModel:
			rest += " " + shownName(r.model)
		case totals.ByStatus:
			rest += " " + shownName(r.status)
		case totals.ByBillable:
			rest += fmt.Sprintf(" %q", fmt.Sprint(r.billable))
		default:
			if team, ok := r.dimensions["team"]; ok {
				rest += " " + shownName(&team)
			} else {
				rest += " NULL"
			}
		}
	}
	return time + rest
}

// answers is a query's answer, a text a row, sorted.
func answers(q *totals.Query, result totals.Result) (all []string) {
	form := map[totals.By]string{totals.ByHour: "2006-01-02T15-0700", totals.ByDay: "2006-01-02", totals.ByMonth: "2006-01"}
	for _, row := range result.Rows {
		group := ""
		for _, by := range q.By {
			if by.IsTime() {
				group = row.Start.Format(form[by])
			}
		}
		for _, name := range row.Names {
			group += " " + shownName(name)
		}
		all = append(all, group+" "+string(usagereport.AppendSums(nil, &row.Sums)))
	}
	slices.Sort(all)
	return all
}

// wantedAnswers sums the rows of the ledger that a query asks for.
func wantedAnswers(q *totals.Query, rows []accountRow) (all []string) {
	byGroup := map[string][]*accountRow{}
	names := func(list []*string, name *string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(l *string) bool { return shownName(l) == shownName(name) })
	}
	for i := range rows {
		r, f := &rows[i], q.Filter
		if r.at.Before(q.From) || !r.at.Before(q.To) || !names(f.Consumers, r.consumer) || !names(f.Models, r.model) ||
			!names(f.Statuses, r.status) || f.Billable != nil && *f.Billable != r.billable {
			continue
		}
		g := r.groupOf(q)
		byGroup[g] = append(byGroup[g], r)
	}
	for group, members := range byGroup {
		var missing, partial int
		var tokens [7]*big.Int
		for i := range tokens {
			tokens[i] = new(big.Int)
		}
		quantities := map[string]*big.Rat{}
		for _, r := range members {
			missing += map[string]int{"missing": 1}[r.state]
			partial += map[string]int{"partial": 1}[r.state]
			for i, n := range r.tokens {
				tokens[i].Add(tokens[i], big.NewInt(n))
			}
			for _, q := range r.quantities {
				amount, _ := new(big.Rat).SetString(q.Amount)
				quantities[q.Unit] = amount.Add(amount, cmp.Or(quantities[q.Unit], new(big.Rat)))
			}
		}
		var units []string
		for _, unit := range slices.Sorted(maps.Keys(quantities)) {
			if text := strings.TrimRight(strings.TrimRight(quantities[unit].FloatString(9), "0"), "."); text != "0" {
				units = append(units, fmt.Sprintf("%q:%q", unit, text))
			}
		}
		quantity := "{" + strings.Join(units, ",") + "}"
		all = append(all, fmt.Sprintf(`%s {"records":%d,"usage_missing":%d,"usage_partial":%d,"prompt_tokens":%s,"completion_tokens":%s,`+
			`"total_tokens":%s,"cached_tokens":%s,"cache_write_tokens":%s,"reasoning_tokens":%s,"audio_tokens":%s,"quantities":%s}`,
			group, len(members), missing, partial, tokens[0], tokens[1], tokens[2], tokens[3], tokens[4], tokens[5], tokens[6], quantity))
	}
	slices.Sort(all)
	return all
}

// randomQuery asks for a random cut of random time in a random zone.
func randomQuery(t *testing.T, random *rand.Rand) totals.Query {
	loc, err := totals.Location(usageZones[random.IntN(len(usageZones))])
	if err != nil {
		t.Fatal(err)
	}
	q := totals.Query{Location: loc, From: usageFrom.Add(time.Duration(random.IntN(300*96)) * 15 * time.Minute)}
	q.To = q.From.Add(time.Duration(1+random.IntN(90*96)) * 15 * time.Minute)
	if random.IntN(3) == 0 {
		q.From, q.To = usageFrom, usageFrom.AddDate(1, 0, 0)
	}
	q.By = append(q.By, [][]totals.By{nil, {totals.ByHour}, {totals.ByDay}, {totals.ByMonth}}[random.IntN(4)]...)
	if random.IntN(10) == 0 && !slices.Contains(q.By, totals.ByHour) {
		q.From, q.To = usageFrom.AddDate(-30, 0, 0), usageFrom.AddDate(30, 0, 0) // nothing in most of it
	}
	for _, by := range []totals.By{
		totals.ByConsumer, totals.ByRoute, totals.ByService, totals.ByModel, totals.ByStatus, totals.ByBillable, totals.ByDimension("team"),
	} {
		if random.IntN(4) == 0 {
			q.By = append(q.By, by)
		}
	}
	if random.IntN(3) == 0 {
		q.Filter.Consumers = []*string{new("bob"), nil}[random.IntN(2):]
	}
	if random.IntN(5) == 0 {
		q.Filter.Models = []*string{new("gpt"), new("claude")}
	}
	if random.IntN(5) == 0 {
		q.Filter.Statuses = []*string{new("2xx"), nil}
	}
	if random.IntN(4) == 0 {
		q.Filter.Billable = new(random.IntN(2) == 0)
	}
	return q
}

// Whatever is written, raised, filled in, redriven and folded, by however many: in the end the sums of any cut of any time in
// any zone are those of its records, and on the way each answer adds up.
func TestSumsOfAnyCutAreThoseOfTheRecords(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	w := ledgerOf(t, dsn, func(o *ledger.Options) { o.Writers, o.MaxRows = 3, 32 })
	stores := []*ledger.Store{storeOf(t, dsn), storeOf(t, dsn)}
	var writers sync.WaitGroup
	for writer := range 4 {
		random := rand.New(rand.NewPCG(21, uint64(writer)))
		writers.Go(func() {
			for range 40 {
				var all []record.Record
				for range 1 + random.IntN(8) {
					r := randomUsage(random)
					all = append(all, r)
					switch random.IntN(4) {
					case 0: // a copy that knows more
						r.Usage.State, r.Usage.PromptTokens = record.UsageExact, 5
						r.Consumer, r.RouteID, r.Status = cmp.Or(r.Consumer, new("late")), cmp.Or(r.RouteID, new("late")), cmp.Or(r.Status, new(200))
						all = append(all, r)
					case 1: // another request with its key
						r.Consumer, r.Usage.TotalTokens = new("mallory"), 77
						r.FingerprintKey[21] ^= 1
						all = append(all, r)
					}
				}
				random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				for part := range slices.Chunk(all, 3) {
					commit(t, w, unit(part...))
				}
				if random.IntN(2) == 0 {
					if _, err := stores[random.IntN(2)].FoldUsage(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
			redriveSome(t, w, stores[0], random)
		})
	}
	written := make(chan struct{})
	go func() { writers.Wait(); close(written) }()
	random := rand.New(rand.NewPCG(31, 32))
	for running := true; running; {
		q := randomQuery(t, random)
		fine, err := stores[1].Totals().Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for _, row := range fine.Rows {
			sum += row.Records
			if row.Records <= 0 || row.UsageMissing < 0 || row.UsagePartial < 0 {
				t.Errorf("%+v has a row %+v", q, row)
			}
		}
		if sum != fine.Total.Records {
			t.Errorf("%d records in rows, %d in the total", sum, fine.Total.Records)
		}
		select {
		case <-written:
			running = false
		default:
		}
	}
	checkSums(t, db)
	rows := accountRows(t, db)
	for range 150 {
		q := randomQuery(t, random)
		result, err := stores[0].Totals().Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got, want := answers(&q, result), wantedAnswers(&q, rows)
		if !slices.Equal(got, want) {
			only := func(a, b []string) string {
				return strings.Join(slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) }), "\n")
			}
			t.Fatalf("%s to %s in %s by %v, %+v: got\n%s\nwant\n%s", q.From, q.To, q.Location, q.By, q.Filter, only(got, want), only(want, got))
		}
	}
	if t.Failed() {
		return
	}
	for _, column := range []string{"usage_state = 'missing'", "usage_state = 'partial'", "key_state = 'conflict'", "revision > 1", "msg_id = 'redriven'"} {
		if value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log WHERE "+column) == 0 {
			t.Errorf("no record was one of %s: the test tries less than it says", column)
		}
	}
}

// redriveSome makes records out of dead letters.
func redriveSome(t *testing.T, w *ledger.Writer, store *ledger.Store, random *rand.Rand) {
	commit(t, w, record.Unit{Rejects: []record.Reject{garbage(fmt.Sprintf("{%d", random.Uint64()), "m")}})
	letters, err := store.DeadLetters(t.Context(), deadletter.Filter{To: time.Now().Add(time.Hour), Status: deadletter.Pending, Limit: 10})
	if err != nil {
		t.Error(err)
		return
	}
	for _, l := range letters {
		r := randomUsage(random)
		r.Origin.MsgID = "redriven"
		done, err := store.Redrive(t.Context(), ledger.Work{ID: l.ID, Actor: "ann"}, func(*deadletter.Letter) record.Unit { return unit(r) })
		if err != nil || done.Changed && done.Status != deadletter.Redriven {
			t.Errorf("%+v, %v", done, err)
		}
	}
}

// What can't be answered says so.
// A zone's day is read with the hours around it, whose names come to nothing: they are no rows, so they are never too many.
func TestNamesOfOtherTimesAreNotTooMany(t *testing.T) {
	dsn := migrated(t)
	store, w := storeOf(t, dsn), ledgerOf(t, dsn)
	loc, err := totals.Location("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	used := func(hour, n int) {
		for i := range n {
			at := time.Date(2026, 11, 20, hour, 0, 0, 0, time.UTC)
			commit(t, w, unit(request(someID(), func(r *record.Record) { r.RequestTime, r.Usage.Model = at, new(fmt.Sprint("m", hour, i)) })))
		}
	}
	used(8, 1)
	used(20, 3) // the next day there
	q := totals.Query{
		From: time.Date(2026, 11, 20, 0, 0, 0, 0, loc), To: time.Date(2026, 11, 21, 0, 0, 0, 0, loc), Location: loc,
		By: []totals.By{totals.ByModel}, MaxRows: 2,
	}
	for _, what := range []string{"deltas", "folded"} {
		result, err := store.Totals().Query(t.Context(), q)
		if err != nil || len(result.Rows) != 1 {
			t.Errorf("%s: %d rows, %v", what, len(result.Rows), err)
		}
		if _, err := store.FoldUsage(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	q.From, q.To = q.From.AddDate(0, 0, 1), q.To.AddDate(0, 0, 1)
	if _, err := store.Totals().Query(t.Context(), q); !errors.Is(err, totals.ErrTooMany) {
		t.Errorf("three rows of two: %v", err)
	}
}

func TestQueriesThatCannotBeAnswered(t *testing.T) {
	dsn := migrated(t)
	reader := storeOf(t, dsn).Totals()
	commit(t, ledgerOf(t, dsn), unit(request(someID()), request(someID(), func(r *record.Record) { r.Consumer = new("bob") })))
	day := func(change func(*totals.Query)) totals.Query {
		q := totals.Query{From: start.Truncate(24 * time.Hour), To: start.Truncate(24*time.Hour).AddDate(0, 0, 1)}
		change(&q)
		return q
	}
	for name, tt := range map[string]struct {
		query totals.Query
		want  error
	}{
		"backwards":        {day(func(q *totals.Query) { q.From, q.To = q.To, q.From }), totals.ErrQuery},
		"by what is not":   {day(func(q *totals.Query) { q.By = []totals.By{"price"} }), totals.ErrQuery},
		"twice by one":     {day(func(q *totals.Query) { q.By = []totals.By{totals.ByModel, totals.ByModel} }), totals.ErrQuery},
		"by two times":     {day(func(q *totals.Query) { q.By = []totals.By{totals.ByDay, totals.ByHour} }), totals.ErrQuery},
		"by a status":      {day(func(q *totals.Query) { q.Filter.Statuses = []*string{new("200")} }), totals.ErrQuery},
		"between quarters": {day(func(q *totals.Query) { q.From = q.From.Add(time.Minute) }), totals.ErrQuery},
		"too many rows":    {day(func(q *totals.Query) { q.By, q.MaxRows = []totals.By{totals.ByConsumer}, 1 }), totals.ErrTooMany},
		"too long a name": {day(func(q *totals.Query) {
			q.By, q.MaxNames = []totals.By{totals.ByConsumer, totals.ByDimension(strings.Repeat("x", 1000))}, 1500
		}), totals.ErrTooMany},
		"too many hours": {day(func(q *totals.Query) { q.By, q.To = []totals.By{totals.ByHour}, q.To.AddDate(50, 0, 0) }), totals.ErrQuery},
	} {
		if _, err := reader.Query(t.Context(), tt.query); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if _, err := totals.Location("Europe/Atlantis"); !errors.Is(err, totals.ErrQuery) {
		t.Error(err)
	}
	result, err := reader.Query(t.Context(), day(func(q *totals.Query) {
		q.By, q.Filter.Dimensions = []totals.By{totals.ByConsumer}, map[string]string{"team": "red"}
	}))
	if err != nil || len(result.Rows) != 0 || !result.Total.TotalTokens.Equal(decimal.Count{}) {
		t.Errorf("of a team that nobody is of: %+v, %v", result, err)
	}
}
