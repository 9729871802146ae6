package totals

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := Location(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Days and hours where clocks are put, and where they are put at midnight, over midnight, by half an hour, or a day is left
// out.
func TestCalendar(t *testing.T) {
	for _, tt := range []struct {
		zone, from, to string
		by             By
		want           []string // local, with offset
	}{
		{"Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z", ByDay, []string{"2026-03-29T00:00+0100", "2026-03-30T00:00+0200"}},
		{"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z", ByDay, []string{"2026-10-25T00:00+0200", "2026-10-26T00:00+0100"}},
		{"Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", ByHour, []string{"2026-10-25T02:00+0200", "2026-10-25T02:00+0100"}},
		{"Asia/Kolkata", "2026-01-31T12:10:00Z", "2026-02-01T20:00:00Z", ByDay, []string{"2026-01-31T17:40+0530", "2026-02-01T00:00+0530", "2026-02-02T00:00+0530"}},
		{"Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z", ByHour, []string{"2026-01-01T05:45+0545", "2026-01-01T06:00+0545", "2026-01-01T07:00+0545"}},
		// Half an hour back at two, and forward.
		{"Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z", ByHour,
			[]string{"2026-04-05T01:00+1100", "2026-04-05T01:30+1030", "2026-04-05T02:00+1030"}},
		{"Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-03T17:00:00Z", ByHour, []string{"2026-10-04T02:30+1100", "2026-10-04T03:00+1100"}},
		{"Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-06T13:30:00Z", ByDay, []string{"2026-04-05T00:00+1100", "2026-04-06T00:00+1030"}},
		// No midnight: the day begins at one.
		{"Africa/Cairo", "2026-04-23T00:00:00Z", "2026-04-24T22:00:00Z", ByDay, []string{"2026-04-23T02:00+0200", "2026-04-24T01:00+0300", "2026-04-25T00:00+0300"}},
		// From one back to midnight: the day has it twice, and begins once.
		{"America/Havana", "2026-10-31T04:00:00Z", "2026-11-02T06:00:00Z", ByDay, []string{"2026-10-31T00:00-0400", "2026-11-01T00:00-0400", "2026-11-02T00:00-0500"}},
		// From midnight back to eleven: the day before goes on.
		{"America/Sao_Paulo", "2018-02-17T02:00:00Z", "2018-02-18T12:00:00Z", ByDay, []string{"2018-02-17T00:00-0200", "2018-02-18T00:00-0300"}},
		// A day that was left out.
		{"Pacific/Apia", "2011-12-29T10:00:00Z", "2012-01-01T10:00:00Z", ByDay, []string{"2011-12-29T00:00-1000", "2011-12-31T00:00+1400", "2012-01-01T00:00+1400"}},
		{"Pacific/Apia", "2011-11-30T10:00:00Z", "2012-02-01T00:00:00Z", ByMonth, []string{"2011-11-30T00:00-1000", "2011-12-01T00:00-1000", "2012-01-01T00:00+1400", "2012-02-01T00:00+1400"}},
		// A leap year's last day, in a year that the zone's table does not have.
		{"Europe/Berlin", "2040-12-30T23:00:00Z", "2041-01-01T23:00:00Z", ByDay, []string{"2040-12-31T00:00+0100", "2041-01-01T00:00+0100"}},
		{"Europe/Berlin", "2040-12-31T21:00:00Z", "2041-01-01T00:00:00Z", ByHour, []string{"2040-12-31T22:00+0100", "2040-12-31T23:00+0100", "2041-01-01T00:00+0100"}},
		{"Europe/Berlin", "2040-11-30T23:00:00Z", "2041-01-31T23:00:00Z", ByMonth, []string{"2040-12-01T00:00+0100", "2041-01-01T00:00+0100"}},
		{"UTC", "2026-01-31T00:00:00Z", "2026-03-01T00:00:00Z", ByMonth, []string{"2026-01-31T00:00+0000", "2026-02-01T00:00+0000"}},
	} {
		from, _ := time.Parse(time.RFC3339, tt.from)
		to, _ := time.Parse(time.RFC3339, tt.to)
		loc := zone(t, tt.zone)
		var got []string
		all := periods(from, to, tt.by, loc)
		for _, p := range all[:len(all)-1] {
			got = append(got, p.In(loc).Format("2006-01-02T15:04-0700"))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s by %s from %s: %q, want %q", tt.zone, tt.by, tt.from, got, tt.want)
		}
	}
}

// zones have whole, half and quarter hours, and clocks that are put at all kinds of times.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham",
	"America/St_Johns", "Africa/Cairo", "America/Havana", "America/Sao_Paulo", "Pacific/Apia", "Asia/Tehran", "Asia/Gaza",
}

// In every zone, each quarter of an hour lies in the period whose date it shows, and a plan holds each quarter once.
func TestPeriodsAndPlansHoldEachQuarterOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, name := range zones {
		loc := zone(t, name)
		for range 5 {
			from := time.Date(2012+random.IntN(34), 1, 1+random.IntN(365), 0, 15*random.IntN(96), 0, 0, time.UTC)
			to := from.Add(time.Duration(1+random.IntN(40*96)) * 15 * time.Minute)
			for by, form := range map[By]string{ByDay: "2006-01-02", ByMonth: "2006-01", ByHour: "2006-01-02T15-0700"} {
				times := periods(from, to, by, loc)
				var bounds []int64
				for i, at := range times {
					bounds = append(bounds, at.Unix())
					if i == 0 {
						continue
					}
					if !times[i-1].Before(at) {
						t.Fatalf("%s by %s: %s is not behind %s", name, by, at, times[i-1])
					}
					label := times[i-1].In(loc).Format(form)
					if i < len(times)-1 && at.In(loc).Format(form) == label {
						t.Errorf("%s by %s: %s is in two periods", name, by, label)
					}
					for q := times[i-1]; q.Before(at); q = q.Add(15 * time.Minute) {
						if got := q.In(loc).Format(form); got != label {
							t.Errorf("%s by %s: %s is in the period of %s", name, by, q.In(loc), label)
						}
					}
				}
				for _, byConsumer := range []bool{true, false} {
					checkPlan(t, bounds, byConsumer)
				}
			}
		}
	}
}

// checkPlan adds one for each quarter that a plan reads to the period that gets it: in the end each has its own, once, and no
// other.
func checkPlan(t *testing.T, bounds []int64, byConsumer bool) {
	t.Helper()
	for name, parts := range map[string][]stretch{
		"within": planWithin(bounds, byConsumer), "around": planAround(bounds, byConsumer), "cheaper": plan(bounds, byConsumer),
	} {
		for _, p := range parts {
			if p.from%p.Span != 0 || p.to%p.Span != 0 || p.from >= p.to {
				t.Fatalf("%s: stretch %+v", name, p)
			}
		}
		g := groups{by: []By{ByConsumer}, bounds: bounds, max: MaxRows, byKey: map[string]*group{}}
		for _, parts := range together(parts) {
			starts := map[int64]bool{} // each is read once
			for i := range parts {
				if parts[i].Level != parts[0].Level || len(parts) > 1 && parts[i].bounds != nil {
					t.Fatalf("%s: %+v and %+v are read together", name, parts[0], parts[i])
				}
				for span := parts[i].from; span < parts[i].to; span += parts[i].Span {
					starts[span] = true
				}
			}
			if len(parts) > 1 && len(starts) > maxStarts {
				t.Fatalf("%s: %d starts in one statement", name, len(starts))
			}
			add := g.atAny(parts)
			for span := range starts {
				for q := span; q < span+parts[0].Span; q += quarter {
					if err := add(span, &names{consumer: new(strconv.FormatInt(q, 10))}, &Sums{Records: 1}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		got := map[[2]int64]int64{} // period, quarter
		for _, have := range g.byKey {
			q, err := strconv.ParseInt(*have.names[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			got[[2]int64{int64(have.period), q}] = have.sums.Records
		}
		for i, from := range bounds[:len(bounds)-1] {
			for q := from; q < bounds[i+1]; q += quarter {
				if got[[2]int64{int64(i), q}] != 1 {
					t.Fatalf("%s of %d periods from %d on: period %d has the quarter at %d %d times", name, len(bounds)-1, bounds[0], i, q, got[[2]int64{int64(i), q}])
				}
				delete(got, [2]int64{int64(i), q})
			}
		}
		for at, n := range got {
			if n != 0 {
				t.Fatalf("%s of %d periods from %d on: period %d has the quarter at %d, which is not its own, %d times", name, len(bounds)-1, bounds[0], at[0], at[1], n)
			}
		}
	}
}
