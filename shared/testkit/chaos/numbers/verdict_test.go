package numbers

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway"
)

const secret = "k:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// scene is a runner of two runs, three numbers each, whose second number the gateway lost.
type scene struct {
	*Book
	t      *testing.T
	epochs []billingkey.Epoch
	stamps []string
	ids    []string
}

func newScene(t *testing.T) *scene {
	keys, err := billingkey.ParseKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{Book: NewBook(keys), t: t}
	var previous billingkey.Epoch
	last := uint64(0)
	for run := range uint64(2) {
		epoch := billingkey.NewEpoch(time.Now(), run)
		sealer, err := billingkey.NewSealer(keys, epoch, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			id := fmt.Sprintf("%032x", len(s.ids)+1)
			requestID, err := billingkey.ParseRequestID(id)
			if err != nil {
				t.Fatal(err)
			}
			text, err := sealer.Seal(billingkey.Stamp{
				RequestID: requestID, IDSource: billingkey.IDFromVar, Consumer: "acme", Time: time.Now(), Runner: "gw",
				PreviousEpoch: previous, PreviousLast: last,
			})
			if err != nil {
				t.Fatal(err)
			}
			s.ids, s.stamps = append(s.ids, id), append(s.stamps, text)
		}
		s.epochs = append(s.epochs, epoch)
		previous, last = epoch, 3
	}
	return s
}

// observe is a request that got a stamp, arrive its entry.
func (s *scene) observe(request, stamp int, want Want) {
	uri := fmt.Sprint("/", request)
	s.Intend(uri, want)
	s.Observe(gateway.Truth{RequestID: s.ids[request], URI: uri, Stamp: s.stamps[stamp]})
}

func (s *scene) arrive(request, stamp int) {
	if err := s.Arrived(fmt.Appendf(nil, `[{"billing":{"request_id":%q,"stamp":%q}}]`, s.ids[request], "v1.k.forged, "+s.stamps[stamp])); err != nil {
		s.t.Error(err)
	}
}

// list is what gaps says of a run.
func (s *scene) list(epoch int, gaps string) string {
	return fmt.Sprintf(`{"epoch":%q,"verified":true,"gaps":[%s]}`, s.epochs[epoch].String(), gaps)
}

func TestJudge(t *testing.T) {
	acme := Want{Consumer: "acme"}
	second := `{"first":2,"last":2}`
	for name, tt := range map[string]struct {
		more func(*scene)
		gaps func(*scene) string
		want string // a difference, or none
	}{
		"as it is":          {},
		"a number too few":  {gaps: func(s *scene) string { return s.list(0, second) + s.list(1, "") }, want: "gaps lists []"},
		"a number too many": {gaps: func(s *scene) string { return s.list(0, `{"first":1,"last":2}`) + s.list(1, second) }, want: "gaps lists [{1 2}]"},
		"a run unknown":     {gaps: func(s *scene) string { return s.list(0, second) }, want: "gaps lists []"},
		"another's stamp":   {more: func(s *scene) { s.arrive(1, 0) }, want: "has the number 1, given to"},
		"a repeated number": {more: func(s *scene) { s.observe(1, 0, acme) }, want: "has the number 1 of request"},
		"a wrong stamp":     {more: func(s *scene) { s.observe(4, 4, Want{Consumer: "globex"}) }, want: "the stamp says"},
		"a forged stamp":    {more: func(s *scene) { s.stamps[4] = "v1.k.x"; s.observe(4, 4, acme) }, want: "the stamp is"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			for i := range s.ids {
				if i%3 != 1 {
					s.observe(i, i, acme)
					s.arrive(i, i)
				}
			}
			gaps := s.list(0, second) + s.list(1, second)
			if tt.more != nil {
				tt.more(s)
			}
			if tt.gaps != nil {
				gaps = tt.gaps(s)
			}
			v, err := s.Judge([]byte(gaps), 2)
			if err != nil {
				t.Fatal(err)
			}
			found := strings.Join(v.Differences, "\n")
			if (tt.want == "") != (found == "") || !strings.Contains(found, tt.want) {
				t.Errorf("differences: %s\nwant %s", found, tt.want)
			}
		})
	}
	s := newScene(t)
	s.observe(2, 2, acme)
	s.arrive(2, 2)
	if v, err := s.Judge([]byte(s.list(0, `{"first":1,"last":2}`)), 1); err != nil || len(v.Differences) != 1 || !strings.Contains(v.Differences[0], "2 numbers were given to no request, and only 1 calls failed") {
		t.Errorf("%v, %v", v, err)
	}
}
