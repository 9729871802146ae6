package identity_test

import (
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// A rule judges by the entry's own time: an entry from before keeps its key when it is read again, one from the very
// moment has the new one.
func TestRulesChange(t *testing.T) {
	rulesFrom := func(text string) identity.Rules {
		changes, err := identity.ParseChanges(strings.Split(text, ";"))
		if err != nil {
			t.Fatal(err)
		}
		return identity.Rules{AllowUnsealed: true, Tolerance: time.Second, Changes: changes}
	}
	moment := func(d time.Duration) string { return start.Add(d).UTC().Format(time.RFC3339Nano) }
	keys := keySet(t, secret("k1", 1))
	unsealed := seal(t, keySet(t, ""), nil)
	late := seal(t, keys, func(s *billingkey.Stamp) { s.Time = start.Add(1500 * time.Millisecond) })
	for _, tt := range []struct {
		name  string
		stamp string
		rules string
		state billingkey.State
	}{
		{"unsealed, before a secret is required", unsealed, moment(time.Millisecond) + " allow_unsealed=false", billingkey.Unsealed},
		{"unsealed, from then on", unsealed, moment(0) + " allow_unsealed=false", billingkey.Unconfirmed},
		{"unsealed, allowed again", unsealed, moment(-time.Hour) + " allow_unsealed=false;" + moment(0) + " allow_unsealed=true", billingkey.Unsealed},
		{"another rule leaves it", unsealed, moment(-time.Hour) + " allow_unsealed=false;" + moment(0) + " tolerance=3s", billingkey.Unconfirmed},
		{"late, before the tolerance grows", late, moment(time.Millisecond) + " tolerance=2s", billingkey.TimeMismatch},
		{"late, from then on", late, moment(0) + " tolerance=2s", billingkey.Verified},
		{"late, after it shrank again", late, moment(-time.Hour) + " tolerance=2s;" + moment(0) + " tolerance=1s", billingkey.TimeMismatch},
	} {
		e := &logentry.Entry{HeaderStamps: []string{tt.stamp}, Consumer: new("alice"), StartMS: new(startMS)}
		id, err := identity.Resolve(e, keys, rulesFrom(tt.rules), fixed([16]byte{}))
		if err != nil || id.KeyState != tt.state {
			t.Errorf("%s: %s, %v; want %s", tt.name, id.KeyState, err, tt.state)
		}
	}
}

func TestRulesAreChecked(t *testing.T) {
	const day = "2026-12-01T00:00:00Z"
	for text, problem := range map[string]string{
		"":                            "rule 1: must be a time and what changes",
		day:                           "must be a time and what changes",
		"tomorrow tolerance=1s":       "must begin with a time",
		day + " tolerance=1":          "tolerance must be a duration",
		day + " tolerance=-1s":        "tolerance must be a duration",
		day + " tolerance=2h":         "tolerance must be a duration",
		day + " allow_unsealed=maybe": "allow_unsealed must be true or false",
		day + " secret=1":             "knows tolerance",
		day + " tolerance=1s;" + day + " tolerance=2s": "rule 2: must be later",
		day + " tolerance=1s tolerance=2s":             "each once",
	} {
		if _, err := identity.ParseChanges(strings.Split(text, ";")); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v, want %q", text, err, problem)
		}
	}
}

// After a rotation old and new stamps are believed, each under its own key; the old one no longer once it is retired; a
// key that nobody knows is said so.
func TestRotation(t *testing.T) {
	old, fresh := keySet(t, secret("k1", 1)), keySet(t, secret("k2", 2))
	stampOf := func(keys *billingkey.KeySet, at time.Time) string {
		return seal(t, keys, func(s *billingkey.Stamp) { s.Time = at })
	}
	retirement := start.UTC().Truncate(time.Second)
	grown := keySet(t, secret("k2", 2)+","+secret("k1", 1)+"@"+retirement.Format(time.RFC3339))
	for _, tt := range []struct {
		name  string
		keys  *billingkey.KeySet
		stamp string
		at    time.Time
		state billingkey.State
	}{
		{"before the rotation", old, stampOf(old, start), start, billingkey.Verified},
		{"the new key, not given to this consumer", old, stampOf(fresh, start), start, billingkey.UnknownKey},
		{"the new key", grown, stampOf(fresh, start), start, billingkey.Verified},
		{"the old key, a stamp from before its end", grown, stampOf(old, retirement.Add(-time.Millisecond)), retirement.Add(-time.Millisecond), billingkey.Verified},
		{"the old key, a stamp from after its end", grown, stampOf(old, retirement.Add(time.Millisecond)), retirement.Add(time.Millisecond), billingkey.Retired},
	} {
		e := &logentry.Entry{HeaderStamps: []string{tt.stamp}, Consumer: new("alice"), StartMS: new(tt.at.UnixMilli())}
		id, err := identity.Resolve(e, tt.keys, identity.Rules{Tolerance: time.Second}, fixed([16]byte{}))
		if err != nil || id.KeyState != tt.state || (id.KeySource == record.KeyFromStamp) != (tt.state == billingkey.Verified) {
			t.Errorf("%s: %s from %s, %v; want %s", tt.name, id.KeyState, id.KeySource, err, tt.state)
		}
	}
}
