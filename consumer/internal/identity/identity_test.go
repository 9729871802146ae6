package identity_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

const (
	startMS = int64(1795348053129)
	gwID    = "000102030405060708090a0b0c0d0e0f"
	otherID = "ff0102030405060708090a0b0c0d0e0f"
)

var start = time.UnixMilli(startMS)

func keySet(t testing.TB, text string) *billingkey.KeySet {
	t.Helper()
	keys, err := billingkey.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func secret(id string, b byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

// seal makes a stamp for gwID and alice at the entry's start, changed by change.
func seal(t testing.TB, keys *billingkey.KeySet, change func(*billingkey.Stamp)) string {
	t.Helper()
	sealer, err := billingkey.NewSealer(keys, billingkey.NewEpoch(start, 1), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := billingkey.ParseRequestID(gwID)
	stamp := billingkey.Stamp{RequestID: id, IDSource: billingkey.IDFromVar, Consumer: "alice", Time: start, Runner: "gw-1"}
	if change != nil {
		change(&stamp)
	}
	text, err := sealer.Seal(stamp)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestResolve(t *testing.T) {
	keys := keySet(t, secret("k1", 1))
	stranger := keySet(t, secret("k1", 9))
	unknown := keySet(t, secret("k7", 7))
	retired := keySet(t, secret("k1", 1)+"@"+start.Add(-time.Hour).UTC().Format(time.RFC3339))
	none := keySet(t, "")
	other := func(s *billingkey.Stamp) { s.RequestID, _ = billingkey.ParseRequestID(otherID) }
	fromHeaders := func(s *billingkey.Stamp) { s.IDSource = billingkey.IDFromHeaders }
	at := func(d time.Duration) func(*billingkey.Stamp) {
		return func(s *billingkey.Stamp) { s.Time = start.Add(d) }
	}
	str := func(s string) *string { return &s }
	good := seal(t, keys, nil)

	tests := []struct {
		name     string
		keys     *billingkey.KeySet
		billing  *logentry.Billing
		header   []string
		consumer *string
		rules    identity.Rules
		source   record.KeySource
		state    billingkey.State
	}{
		{"nothing", keys, nil, nil, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.Absent},
		{"gateway's word alone", keys, &logentry.Billing{RequestID: gwID}, nil, str("alice"), identity.Rules{}, record.KeyFromGateway, billingkey.Absent},
		{"both", keys, &logentry.Billing{RequestID: gwID, Stamps: []string{good}}, nil, str("alice"), identity.Rules{}, record.KeyFromGateway, billingkey.Verified},
		{"gateway's word, stamp in the header", keys, &logentry.Billing{RequestID: gwID}, []string{good}, str("alice"), identity.Rules{}, record.KeyFromGateway, billingkey.Verified},
		{"stamp alone", keys, nil, []string{good}, str("alice"), identity.Rules{}, record.KeyFromStamp, billingkey.Verified},
		{"stamp behind a client's garbage", keys, nil, []string{"x", "v1.k1.AAAA", good}, str("alice"), identity.Rules{}, record.KeyFromStamp, billingkey.Verified},
		{"stamp before a client's garbage", keys, nil, []string{good, "v1.k1.AAAA", "x"}, str("alice"), identity.Rules{}, record.KeyFromStamp, billingkey.Verified},
		{"stamp before more garbage than is tried", keys, nil, []string{good, "1", "2", "3", "4", "5", "6", "7", "8"}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.Malformed},
		{"sealed beside a client's unsealed one", keys, &logentry.Billing{RequestID: gwID}, []string{good, seal(t, none, other)}, str("alice"), identity.Rules{}, record.KeyFromGateway, billingkey.Verified},
		{"an old stamp beside the runner's", keys, &logentry.Billing{RequestID: gwID, Stamps: []string{good, seal(t, keys, other)}}, nil, str("alice"), identity.Rules{}, record.KeyFromGateway, billingkey.Verified},
		{"ID is not one, stamp is", keys, &logentry.Billing{RequestID: "mine"}, []string{good}, str("alice"), identity.Rules{}, record.KeyFromStamp, billingkey.Verified},
		{"ID is not one", keys, &logentry.Billing{RequestID: "mine"}, nil, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.IDMalformed},
		{"stamp of another request", keys, &logentry.Billing{RequestID: otherID}, []string{good}, str("alice"), identity.Rules{}, record.KeyFromGateway, billingkey.IDMismatch},
		{"made with a stranger's secret", keys, nil, []string{seal(t, stranger, nil)}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.Forged},
		{"unknown key", keys, nil, []string{seal(t, unknown, nil)}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.UnknownKey},
		{"retired key", retired, nil, []string{good}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.Retired},
		{"garbage", keys, nil, []string{"garbage"}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.Malformed},
		{"another APISIX consumer's", keys, nil, []string{good}, str("bob"), identity.Rules{}, record.KeyFromFingerprint, billingkey.ConsumerMismatch},
		{"on an anonymous entry", keys, nil, []string{good}, str(""), identity.Rules{}, record.KeyFromFingerprint, billingkey.ConsumerMismatch},
		{"without a name", keys, nil, []string{seal(t, keys, func(s *billingkey.Stamp) { s.Consumer = "" })}, str("alice"), identity.Rules{}, record.KeyFromStamp, billingkey.Verified},
		{"entry without the field", keys, nil, []string{good}, nil, identity.Rules{}, record.KeyFromStamp, billingkey.Verified},
		{"too early", keys, nil, []string{seal(t, keys, at(-1001*time.Millisecond))}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.TimeMismatch},
		{"just early", keys, nil, []string{seal(t, keys, at(-time.Second))}, str("alice"), identity.Rules{}, record.KeyFromStamp, billingkey.Verified},
		{"at the end", keys, nil, []string{seal(t, keys, at(1400*time.Millisecond))}, str("alice"), identity.Rules{}, record.KeyFromStamp, billingkey.Verified},
		{"too late", keys, nil, []string{seal(t, keys, at(1401*time.Millisecond))}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.TimeMismatch},
		{"ID from headers", keys, nil, []string{seal(t, keys, fromHeaders)}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.Unconfirmed},
		{"ID from headers, confirmed", keys, &logentry.Billing{RequestID: gwID}, []string{seal(t, keys, fromHeaders)}, str("alice"), identity.Rules{}, record.KeyFromGateway, billingkey.Verified},
		{"unsealed", none, nil, []string{seal(t, none, nil)}, str("alice"), identity.Rules{}, record.KeyFromFingerprint, billingkey.Unconfirmed},
		{"unsealed, confirmed", none, &logentry.Billing{RequestID: gwID}, []string{seal(t, none, nil)}, str("alice"), identity.Rules{}, record.KeyFromGateway, billingkey.Unsealed},
		{"unsealed, allowed", none, nil, []string{seal(t, none, nil)}, str("alice"), identity.Rules{AllowUnsealed: true}, record.KeyFromStamp, billingkey.Unsealed},
	}
	reached := map[billingkey.State]bool{}
	for _, tt := range tests {
		reached[tt.state] = true
		t.Run(tt.name, func(t *testing.T) {
			latency := 400.0
			e := &logentry.Entry{Billing: tt.billing, HeaderStamps: tt.header, Consumer: tt.consumer, StartMS: new(startMS), LatencyMS: &latency}
			tt.rules.Tolerance = time.Second
			fingerprint := [16]byte{0xfe}
			id, err := identity.Resolve(e, tt.keys, tt.rules, fixed(fingerprint))
			if err != nil {
				t.Fatal(err)
			}
			if id.KeySource != tt.source || id.KeyState != tt.state {
				t.Errorf("got %s, %s; want %s, %s", id.KeySource, id.KeyState, tt.source, tt.state)
			}
			believed := tt.state == billingkey.Verified || tt.state == billingkey.Unsealed
			if (id.Stamp != nil) != believed {
				t.Errorf("stamp kept: %v", id.Stamp != nil)
			}
			want := fingerprint
			if tt.source == record.KeyFromStamp {
				want, _ = billingkey.ParseRequestID(gwID)
			} else if tt.source == record.KeyFromGateway {
				want, _ = billingkey.ParseRequestID(tt.billing.RequestID)
			}
			if key, _ := billingkey.NewKey(startMS, want); id.Key != key {
				t.Errorf("key %s, want %s", id.Key, key)
			}
		})
	}
	for _, state := range billingkey.States() {
		if !reached[state] {
			t.Errorf("%s is reached by none", state)
		}
	}
}

// Of several faults the first of this order is told: of the seal, ID, APISIX consumer, time.
func TestOrderOfFaults(t *testing.T) {
	keys := keySet(t, secret("k1", 1))
	other, _ := billingkey.ParseRequestID(otherID)
	allWrong := func(s *billingkey.Stamp) { s.RequestID, s.Consumer, s.Time = other, "bob", start.Add(-time.Hour) }
	nameAndTime := func(s *billingkey.Stamp) { s.Consumer, s.Time = "bob", start.Add(-time.Hour) }
	headersToo := func(s *billingkey.Stamp) { nameAndTime(s); s.IDSource = billingkey.IDFromHeaders }
	retired := keySet(t, secret("k1", 1)+"@"+start.Add(-2*time.Hour).UTC().Format(time.RFC3339))
	gateway := &logentry.Billing{RequestID: gwID}
	for _, tt := range []struct {
		keys    *billingkey.KeySet
		stamp   string
		billing *logentry.Billing
		want    billingkey.State
	}{
		{keys, seal(t, keySet(t, secret("k2", 2)), allWrong), gateway, billingkey.UnknownKey},
		{keys, seal(t, keySet(t, secret("k1", 2)), allWrong), gateway, billingkey.Forged},
		{retired, seal(t, keys, allWrong), gateway, billingkey.Retired},
		{keys, seal(t, keys, allWrong), gateway, billingkey.IDMismatch},
		{keys, seal(t, keys, headersToo), nil, billingkey.Unconfirmed},
		{keys, seal(t, keySet(t, ""), nameAndTime), nil, billingkey.Unconfirmed},
		{keys, seal(t, keys, nameAndTime), gateway, billingkey.ConsumerMismatch},
		{keys, seal(t, keys, nameAndTime), nil, billingkey.ConsumerMismatch},
		{keys, seal(t, keys, func(s *billingkey.Stamp) { s.Time = start.Add(-time.Hour) }), gateway, billingkey.TimeMismatch},
	} {
		e := &logentry.Entry{Billing: tt.billing, HeaderStamps: []string{tt.stamp}, Consumer: new("alice"), StartMS: new(startMS)}
		id, err := identity.Resolve(e, tt.keys, identity.Rules{Tolerance: time.Second}, fixed([16]byte{}))
		if err != nil || id.KeyState != tt.want || *id.Consumer != "alice" {
			t.Errorf("%s, %v; want %s", id.KeyState, err, tt.want)
		}
	}
}

func TestWhoIsBilled(t *testing.T) {
	keys := keySet(t, secret("k1", 1))
	stamp := seal(t, keys, nil)
	entry := func(consumer *string) *logentry.Entry {
		return &logentry.Entry{HeaderStamps: []string{stamp}, Consumer: consumer, StartMS: new(startMS)}
	}
	str := func(s string) *string { return &s }
	for _, tt := range []struct {
		name  string
		entry *string
		want  string
		marks []string
	}{
		{"the entry's own", str("alice"), "alice", nil},
		{"an anonymous entry stays anonymous, whatever a stamp says", str(""), "", []string{identity.MarkAnonymousStamp}},
		{"the entry's own, against the stamp", str("bob"), "bob", nil},
		{"the stamp's, where the entry does not tell", nil, "alice", nil},
	} {
		id, err := identity.Resolve(entry(tt.entry), keys, identity.Rules{Tolerance: time.Second}, fixed([16]byte{}))
		if err != nil {
			t.Fatal(err)
		}
		if id.Consumer == nil || *id.Consumer != tt.want || !slices.Equal(id.Marks, tt.marks) {
			t.Errorf("%s: %v, marks %v", tt.name, id.Consumer, id.Marks)
		}
	}
}

func TestNoTimeNoKey(t *testing.T) {
	keys := keySet(t, "")
	billing := &logentry.Billing{RequestID: gwID}
	for _, tt := range []struct {
		name  string
		entry logentry.Entry
		want  error
	}{
		{"ID without a time", logentry.Entry{Billing: billing}, identity.ErrNoStartTime},
		{"neither", logentry.Entry{}, identity.ErrNoIdentity},
		{"year 9999", logentry.Entry{Billing: billing, StartMS: new(int64(253370764800000))}, identity.ErrBadStartTime},
		{"negative", logentry.Entry{Billing: billing, StartMS: new(int64(-1))}, identity.ErrBadStartTime},
		{"seconds for milliseconds", logentry.Entry{Billing: billing, StartMS: new(startMS / 1000)}, identity.ErrBadStartTime},
	} {
		if _, err := identity.Resolve(&tt.entry, keys, identity.Rules{}, fixed([16]byte{})); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	base := func() *logentry.Entry {
		host, method, uri, route := "h", "POST", "/v1", "r1"
		return &logentry.Entry{
			Host: &host, Method: &method, URI: &uri, RouteID: &route, StartMS: new(startMS),
			RequestHeaders: logentry.HeadersOf(map[string][]string{"a": {"1"}, "b": {"2", "3"}}),
		}
	}
	var one, two identity.Fingerprints
	first := one.Next(base())
	if again := two.Next(base()); again != first {
		t.Error("the same entry has another fingerprint in another message")
	}
	if second := one.Next(base()); second == first {
		t.Error("two equal entries of one message have one fingerprint")
	}
	changes := map[string]func(*logentry.Entry){
		"host":              func(e *logentry.Entry) { *e.Host = "g" },
		"start":             func(e *logentry.Entry) { *e.StartMS++ },
		"method":            func(e *logentry.Entry) { *e.Method = "GET" },
		"method to nothing": func(e *logentry.Entry) { *e.Method = "" },
		"method unknown":    func(e *logentry.Entry) { e.Method = nil },
		"URI":               func(e *logentry.Entry) { *e.URI = "/v2" },
		"route":             func(e *logentry.Entry) { *e.RouteID = "r2" },
		"status":            func(e *logentry.Entry) { e.Status = new(200) },
		"client":            func(e *logentry.Entry) { e.ClientIP = new("10.0.0.1") },
		"request size":      func(e *logentry.Entry) { e.RequestSize = new(int64(1)) },
		"response size":     func(e *logentry.Entry) { e.ResponseSize = new(int64(1)) },
		"header value":      func(e *logentry.Entry) { e.RequestHeaders.All()["a"] = []string{"2"} },
		"header boundary": func(e *logentry.Entry) {
			e.RequestHeaders = logentry.HeadersOf(map[string][]string{"a": {"1", "2"}, "b": {"3"}})
		},
	}
	seen := map[[16]byte]string{first: "unchanged"}
	for name, change := range changes {
		e := base()
		change(e)
		var f identity.Fingerprints
		print := f.Next(e)
		if same, ok := seen[print]; ok {
			t.Errorf("%s has the fingerprint of %s", name, same)
		}
		seen[print] = name
	}
}

// A stamp's number has arrived with the entry of its own request, whatever else speaks against the stamp; a stamp that
// stands at another request brings no number.
func TestWhichNumbersArrive(t *testing.T) {
	keys := keySet(t, secret("k1", 1))
	good := seal(t, keys, nil)
	late := seal(t, keys, func(s *billingkey.Stamp) { s.Time = start.Add(time.Hour) })
	moved := seal(t, keys, func(s *billingkey.Stamp) { s.RequestID, _ = billingkey.ParseRequestID(otherID) })
	bob := "bob"
	for _, tt := range []struct {
		name     string
		stamp    string
		billing  bool
		consumer *string
		arrives  bool
	}{
		{"believed", good, true, nil, true},
		{"believed without the gateway's word", good, false, nil, true},
		{"at another time", late, true, nil, true},
		{"at another time, without the gateway's word", late, false, nil, false},
		{"of another APISIX consumer", good, true, &bob, true},
		{"moved here", moved, true, nil, false},
		{"forged", seal(t, keySet(t, secret("k1", 9)), nil), true, nil, false},
		{"unsealed", seal(t, keySet(t, ""), nil), true, nil, true},
		{"unsealed, without the gateway's word", seal(t, keySet(t, ""), nil), false, nil, false},
	} {
		ms, latency := startMS, 5.0
		e := &logentry.Entry{Format: logentry.Default, StartMS: &ms, LatencyMS: &latency, Consumer: tt.consumer, HeaderStamps: []string{tt.stamp}}
		if tt.billing {
			e.Billing = &logentry.Billing{RequestID: gwID}
		}
		id, err := identity.Resolve(e, keys, identity.Rules{Tolerance: time.Second}, fixed([16]byte{}))
		if err != nil {
			t.Fatal(err)
		}
		if got := id.Arrived != nil; got != tt.arrives {
			t.Errorf("%s: arrives %v, want %v", tt.name, got, tt.arrives)
		}
		if id.ArrivedSealed != (tt.arrives && tt.name != "unsealed") {
			t.Errorf("%s: sealed %v", tt.name, id.ArrivedSealed)
		}
	}
}
