package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
)

// Nobody is let in whose token is not there, not one, of another scheme, or not known; and the answer does not say which tokens
// there are.
func TestUnknownTokens(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	good := s.tokens["ops"]
	for name, values := range map[string][]string{
		"none":               nil,
		"empty":              {""},
		"no token":           {"Bearer"},
		"an empty token":     {"Bearer "},
		"another scheme":     {"Basic " + good},
		"no scheme":          {good},
		"unknown":            {"Bearer " + apitoken.New()},
		"malformed":          {"Bearer " + good[:20]},
		"longer":             {"Bearer " + good + "a"},
		"its hash":           {"Bearer " + apitoken.HashOf(good).String()},
		"two in one header":  {"Bearer " + good + ", Bearer " + good},
		"two headers":        {"Bearer " + good, "Bearer " + good},
		"a good one at last": {"Bearer " + apitoken.New(), "Bearer " + good},
		"another separator":  {"Bearer\t" + good},
	} {
		for _, op := range s.api.Operations() {
			if op.Scope == "" {
				continue
			}
			headers := http.Header{}
			if values != nil {
				headers["Authorization"] = values
			}
			// What is asked for is wrong in other ways too: who is not known learns nothing of that.
			a := s.raw(op.Method, example(op.Path)+"?no_such_parameter=1", nil, headers)
			p := a.problem(t, http.StatusUnauthorized)
			challenge := a.header.Get("WWW-Authenticate")
			if !strings.HasPrefix(challenge, `Bearer realm="billing"`) || strings.Contains(challenge, "invalid_token") != (strings.Join(values, "") != "") {
				t.Errorf("%s: %s: WWW-Authenticate: %s", name, op.ID, challenge)
			}
			if strings.Contains(p.Detail, good[:10]) || strings.Contains(p.Detail, "ops") {
				t.Errorf("%s: %s", name, p.Detail)
			}
		}
	}
	// Schemes have no case (RFC 9110, 11.1).
	for _, value := range []string{"Bearer " + good, "bearer " + good, "BEARER  " + good} {
		if a := s.raw(http.MethodGet, "/v1/gaps", nil, http.Header{"Authorization": {value}}); a.status != http.StatusOK {
			t.Errorf("%q: %d", strings.ReplaceAll(value, good, "…"), a.status)
		}
	}
	// A token in the address would stand in logs.
	s.raw(http.MethodGet, "/v1/gaps?access_token="+good, nil, nil).problem(t, http.StatusUnauthorized)
}

// A token allows its scopes and no other.
func TestScopes(t *testing.T) {
	t.Parallel()
	var grants []apitoken.Grant
	for _, scope := range apitoken.Scopes() {
		grants = append(grants, apitoken.Grant{Name: strings.ReplaceAll(string(scope), ":", "."), Scopes: []apitoken.Scope{scope}})
	}
	s := serve(t, grants)
	for _, scope := range apitoken.Scopes() {
		who := strings.ReplaceAll(string(scope), ":", ".")
		for _, op := range s.api.Operations() {
			a := s.raw(op.Method, example(op.Path), nil, s.bearer(who))
			if op.Scope == "" || op.Scope == string(scope) {
				if a.status == http.StatusForbidden || a.status == http.StatusUnauthorized {
					t.Errorf("%s: %s: %d", who, op.ID, a.status)
				}
				continue
			}
			a.problem(t, http.StatusForbidden)
			if challenge := a.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="insufficient_scope", scope="`+op.Scope+`"`) {
				t.Errorf("%s: %s: WWW-Authenticate: %s", who, op.ID, challenge)
			}
		}
	}
}

// A token that asks too often must wait, and no other with it.
func TestTooOften(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("hasty"), everything("calm")}, func(o *api.Options) { o.RequestsPerSecond = 1 })
	for range 200 { // two at once and one a second more: one of these comes too soon, however slow the machine is
		a := s.wrong("hasty", "/v1/usage")
		if a.status != http.StatusTooManyRequests {
			a.wrongParameters(t, "from")
			continue
		}
		a.problem(t, http.StatusTooManyRequests)
		if after := a.header.Get("Retry-After"); after != "1" {
			t.Errorf("Retry-After: %q", after)
		}
		if a := s.get("calm", "/v1/gaps"); a.status != http.StatusOK {
			t.Errorf("another token: %d", a.status)
		}
		return
	}
	t.Error("200 requests of one token, none too many")
}

// Who waits as long as is said may ask then; twice as many as a second has at once.
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{1, 3, 20, 100_000} {
		wait, now := api.Limits(perSecond), time.Unix(1_800_000_000, 0)
		for range 5 {
			for i := range 2 * perSecond {
				if w := wait("a", now); w != 0 {
					t.Fatalf("%d a second: number %d waits %v", perSecond, i, w)
				}
			}
			for range 3 { // being refused costs nothing
				w := wait("a", now)
				if w <= 0 || w > time.Second/time.Duration(perSecond)+time.Microsecond {
					t.Fatalf("%d a second: waits %v", perSecond, w)
				}
			}
			now = now.Add(wait("a", now))
			if w := wait("a", now); w != 0 {
				t.Fatalf("%d a second: %v more after what was said", perSecond, w)
			}
			if w := wait("b", now); w != 0 {
				t.Errorf("another token waits %v", w)
			}
			now = now.Add(time.Hour)
		}
	}
}
