package billingstamp

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	runnerplugin "github.com/apache/apisix-go-plugin-runner/pkg/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"gateway-billing.internal/plugin/internal/runnermetrics"
	"gateway-billing.internal/shared/billingkey"
)

var _ runnerplugin.Plugin = (*Plugin)(nil)

const (
	idText    = "0123456789abcdef0123456789abcdef"
	otherText = "ffffffffffffffffffffffffffffffff"
)

var (
	testTime  = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	testEpoch = billingkey.NewEpoch(testTime.Add(-time.Hour), 99)
	acme      = map[string]string{"request_id": idText, "consumer_name": "acme"}
)

func testKeys(t testing.TB, text string) *billingkey.KeySet {
	t.Helper()
	keys, err := billingkey.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func sealingKeys(t testing.TB) *billingkey.KeySet {
	return testKeys(t, "k1:"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)))
}

// newPlugin logs to log, or nowhere.
func newPlugin(t testing.TB, keys *billingkey.KeySet, log *bytes.Buffer) *Plugin {
	t.Helper()
	if log == nil {
		log = new(bytes.Buffer)
	}
	p, err := New(Options{
		Keys: keys, Runner: "gw-1", Epoch: testEpoch, Now: func() time.Time { return testTime }, Random: rand.Reader,
		Metrics: testMetrics(), Log: zerolog.New(log),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func testMetrics() *runnermetrics.Metrics { return runnermetrics.New(prometheus.NewRegistry()) }

func mustConf(t testing.TB, p *Plugin, conf string) any {
	t.Helper()
	c, err := p.ParseConf([]byte(conf))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// values gives the values of every spelling of a billing header, sorted.
func values(h http.Header, name string) []string {
	var all []string
	for n, v := range h {
		if strings.EqualFold(strings.ReplaceAll(n, "_", "-"), name) {
			all = append(all, v...)
		}
	}
	slices.Sort(all)
	return all
}

func TestRequestIsStamped(t *testing.T) {
	dims := map[string]string{"tenant": "blue, green", "project": "p1"}
	withArgs := map[string]string{"request_id": idText, "consumer_name": "acme", "arg_project": "p1"}
	for _, tt := range []struct {
		name     string
		conf     string
		vars     map[string]string
		headers  []string
		want     billingkey.Stamp
		asked    string
		noPlain  bool
		noAnswer bool
	}{
		{name: "by default", vars: acme, want: billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name"},
		{name: "anonymous", vars: map[string]string{"request_id": idText}, asked: "request_id consumer_name"},
		{
			name: "the client's headers do not count", vars: acme,
			headers: []string{billingkey.HeaderRequestID, otherText, billingkey.HeaderConsumer, "rich"},
			want:    billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name",
		},
		{
			name: "identity from headers", conf: `{"identity_from":"headers"}`,
			headers: []string{billingkey.HeaderRequestID, idText, billingkey.HeaderConsumer, "acme-1_A"},
			want:    billingkey.Stamp{IDSource: billingkey.IDFromHeaders, Consumer: "acme-1_A"},
		},
		{
			name: "from headers, anonymous", conf: `{"identity_from":"headers"}`,
			headers: []string{billingkey.HeaderRequestID, idText, billingkey.HeaderConsumer, ""},
			want:    billingkey.Stamp{IDSource: billingkey.IDFromHeaders},
		},
		{
			name: "from headers, no APISIX consumer there", conf: `{"identity_from":"headers"}`, vars: acme,
			headers: []string{billingkey.HeaderRequestID, idText},
			want:    billingkey.Stamp{IDSource: billingkey.IDFromHeaders, Consumer: "acme"}, asked: "consumer_name",
		},
		{
			name: "from headers, two APISIX consumers", conf: `{"identity_from":"headers"}`, vars: acme,
			headers: []string{billingkey.HeaderRequestID, idText, billingkey.HeaderConsumer, "rich", billingkey.HeaderConsumer, "acme"},
			want:    billingkey.Stamp{IDSource: billingkey.IDFromHeaders, Consumer: "acme"}, asked: "consumer_name",
		},
		{
			name: "from headers, odd APISIX consumer", conf: `{"identity_from":"headers"}`, vars: acme,
			headers: []string{billingkey.HeaderRequestID, idText, billingkey.HeaderConsumer, "a, b"},
			want:    billingkey.Stamp{IDSource: billingkey.IDFromHeaders, Consumer: "acme"}, asked: "consumer_name",
		},
		{
			name: "from headers, repeated ID", conf: `{"identity_from":"headers"}`, vars: acme,
			headers: []string{billingkey.HeaderRequestID, otherText, billingkey.HeaderRequestID, otherText, billingkey.HeaderConsumer, "rich"},
			want:    billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name",
		},
		{
			name: "from headers, odd ID", conf: `{"identity_from":"headers"}`, vars: acme,
			headers: []string{billingkey.HeaderRequestID, "1", billingkey.HeaderConsumer, "rich"},
			want:    billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name",
		},
		{
			name: "from headers, underscores are a client's", conf: `{"identity_from":"headers"}`, vars: acme,
			headers: []string{"X_Billing_Request_Id", otherText, "X_Billing_Consumer", "rich"},
			want:    billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name",
		},
		{
			name: "idempotency key", conf: `{"identity_from":"var","idempotency_header":"idempotency-key"}`, vars: acme,
			headers: []string{"Idempotency-Key", "order 1"},
			want:    billingkey.Stamp{Consumer: "acme", IdempotencyKey: "order 1"}, asked: "request_id consumer_name",
		},
		{
			name: "two idempotency keys are none", conf: `{"idempotency_header":"Idempotency-Key"}`, vars: acme,
			headers: []string{"Idempotency-Key", "a", "idempotency-key", "b"},
			want:    billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name",
		},
		{
			name: "a long idempotency key is none", conf: `{"idempotency_header":"Idempotency-Key"}`, vars: acme,
			headers: []string{"Idempotency-Key", strings.Repeat("x", 257)},
			want:    billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name",
		},
		{
			name: "an idempotency key that is not UTF-8 is none", conf: `{"idempotency_header":"Idempotency-Key"}`, vars: acme,
			headers: []string{"Idempotency-Key", "\xff"},
			want:    billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name",
		},
		{
			name: "dimensions",
			conf: `{"dimensions":{"tenant":"header:x-tenant","project":"var:arg_project","none":"var:arg_none","no_header":"header:x-none"}}`,
			vars: withArgs, headers: []string{"X-Tenant", "blue", "X-Tenant", "green"},
			want: billingkey.Stamp{Consumer: "acme", Dimensions: dims}, asked: "request_id consumer_name arg_none arg_project",
		},
		{
			name: "dimensions that do not fit", conf: `{"dimensions":{"big":"header:X-Big","small":"header:X-Small"}}`, vars: acme,
			headers: []string{"X-Big", strings.Repeat("x", 4000), "X-Small", "s"},
			want:    billingkey.Stamp{Consumer: "acme", Dimensions: map[string]string{"small": "s"}, DimensionsCut: true}, asked: "request_id consumer_name",
		},
		{
			name: "nothing in clear", conf: `{"plain_consumer":false,"response_header":false}`, vars: acme,
			want: billingkey.Stamp{Consumer: "acme"}, asked: "request_id consumer_name", noPlain: true, noAnswer: true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			p := newPlugin(t, sealingKeys(t), &log)
			r := newRequest(tt.vars, tt.headers...)
			p.RequestFilter(mustConf(t, p, tt.conf), nil, r)

			stamps := values(r.header.Header, billingkey.HeaderStamp)
			if len(stamps) != 1 {
				t.Fatalf("%d stamps; log: %s", len(stamps), log.String())
			}
			got, state := p.keys.Open(stamps[0])
			if state != billingkey.Verified || got.RequestID.String() != idText || got.Sequence != 1 ||
				got.Epoch != testEpoch || got.Runner != "gw-1" || !got.Time.Equal(testTime) {
				t.Errorf("stamp %s: %+v", state, got)
			}
			if tt.want.IDSource == "" {
				tt.want.IDSource = billingkey.IDFromVar
			}
			if got.IDSource != tt.want.IDSource || got.Consumer != tt.want.Consumer || got.IdempotencyKey != tt.want.IdempotencyKey ||
				!maps.Equal(got.Dimensions, tt.want.Dimensions) || got.DimensionsCut != tt.want.DimensionsCut {
				t.Errorf("stamp %+v\nwant %+v", got, tt.want)
			}
			if asked := strings.Join(r.asked, " "); asked != tt.asked {
				t.Errorf("asked the gateway for %q, want %q", asked, tt.asked)
			}
			if ids := values(r.header.Header, billingkey.HeaderRequestID); !slices.Equal(ids, []string{idText}) {
				t.Errorf("request IDs in clear: %q", ids)
			}
			var plain []string
			if tt.want.Consumer != "" && !tt.noPlain {
				plain = []string{tt.want.Consumer}
			}
			if got := values(r.header.Header, billingkey.HeaderConsumer); !slices.Equal(got, plain) {
				t.Errorf("APISIX consumer in clear: %q, want %q", got, plain)
			}
			if got := r.respHeader.Get(billingkey.HeaderRequestID); (got == idText) == tt.noAnswer {
				t.Errorf("response header %q", got)
			}
			if log.Len() > 0 {
				t.Errorf("logged: %s", log.String())
			}
		})
	}
}

// forgeries are billing headers in the spellings that a client could try.
var forgeries = []string{
	billingkey.HeaderRequestID, otherText, "x-billing-request-id", otherText, "X_Billing_Request_Id", otherText,
	"x_billing-request_ID", otherText, billingkey.HeaderConsumer, "rich", "X_BILLING_CONSUMER", "rich",
	billingkey.HeaderStamp, "v0.x", billingkey.HeaderStamp, "v0.y", "X_Billing_Stamp", "v0.z",
}

func TestClientHeadersAreStrippedEvenWhereNoStampIsMade(t *testing.T) {
	for name, spoil := range map[string]func(*fakeRequest){
		"connection closed":      func(r *fakeRequest) { r.varErr = errors.New("connection closed") },
		"no request ID":          func(r *fakeRequest) { r.vars = nil },
		"request ID without hex": func(r *fakeRequest) { r.vars = map[string]string{"request_id": strings.Repeat("z", 32)} },
		"panic":                  func(r *fakeRequest) { r.varPanic = true },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			p := newPlugin(t, sealingKeys(t), &log)
			for range 100 {
				r := newRequest(acme, append(forgeries, "X-Other", "stays")...)
				spoil(r)
				p.RequestFilter(mustConf(t, p, ""), nil, r)
				if len(r.header.Header) != 1 || r.header.Get("X-Other") != "stays" {
					t.Fatalf("headers left: %v", r.header.Header)
				}
			}
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "not stamped") {
				t.Errorf("%d log lines for 100 failures, want 1: %s", n, log.String())
			}
		})
	}
}

func TestARequestThatCanNotBeSealedKeepsItsID(t *testing.T) {
	var log bytes.Buffer
	p := newPlugin(t, sealingKeys(t), &log)
	r := newRequest(map[string]string{"request_id": idText, "consumer_name": strings.Repeat("c", 257)}, forgeries...)
	p.RequestFilter(mustConf(t, p, ""), nil, r)
	if got := values(r.header.Header, billingkey.HeaderStamp); got != nil {
		t.Errorf("stamps %q, want none", got)
	}
	if got := values(r.header.Header, billingkey.HeaderRequestID); !slices.Equal(got, []string{idText}) {
		t.Errorf("request IDs %q", got)
	}
	if !strings.Contains(log.String(), "consumer: 257 bytes, at most 255") {
		t.Errorf("log: %s", log.String())
	}
}

func TestAStampOfThisEpochForThisRequestIsKept(t *testing.T) {
	for _, keys := range map[string]*billingkey.KeySet{"sealed": sealingKeys(t), "unsealed": testKeys(t, "")} {
		var log bytes.Buffer
		p := newPlugin(t, keys, &log)
		conf := mustConf(t, p, "")
		r := newRequest(acme)
		p.RequestFilter(conf, nil, r)
		first := values(r.header.Header, billingkey.HeaderStamp)
		p.RequestFilter(conf, nil, r) // twice in one configuration
		twice := newRequest(acme, billingkey.HeaderStamp, first[0], billingkey.HeaderRequestID, idText)
		p.RequestFilter(conf, nil, twice) // by two bindings
		for _, r := range []*fakeRequest{r, twice} {
			if got := values(r.header.Header, billingkey.HeaderStamp); !slices.Equal(got, first) {
				t.Errorf("stamp %q became %q", first, got)
			}
		}

		// Not kept: another request's, another epoch's, a second one beside it.
		stolen := newRequest(map[string]string{"request_id": otherText}, billingkey.HeaderStamp, first[0])
		p.RequestFilter(conf, nil, stolen)
		repeated := newRequest(acme, billingkey.HeaderStamp, first[0], billingkey.HeaderStamp, first[0])
		p.RequestFilter(conf, nil, repeated)
		later := newRequest(acme, billingkey.HeaderStamp, first[0])
		next, err := New(Options{
			Keys: keys, Runner: "gw-1", Epoch: billingkey.NewEpoch(testTime, 1), Now: p.now, Random: rand.Reader,
			Metrics: testMetrics(), Log: p.log,
		})
		if err != nil {
			t.Fatal(err)
		}
		next.RequestFilter(conf, nil, later)
		for name, r := range map[string]*fakeRequest{"stolen": stolen, "repeated": repeated, "of an epoch before": later} {
			if got := values(r.header.Header, billingkey.HeaderStamp); len(got) != 1 || got[0] == first[0] {
				t.Errorf("%s: stamp %q was kept", name, got)
			}
		}
	}
	// An unsealed stamp is not believed by a runner that has keys.
	var log bytes.Buffer
	plain := newPlugin(t, testKeys(t, ""), &log)
	r := newRequest(acme)
	plain.RequestFilter(mustConf(t, plain, ""), nil, r)
	sealing := newPlugin(t, sealingKeys(t), &log)
	forged := newRequest(acme, billingkey.HeaderStamp, values(r.header.Header, billingkey.HeaderStamp)[0])
	sealing.RequestFilter(mustConf(t, sealing, ""), nil, forged)
	if got := values(forged.header.Header, billingkey.HeaderStamp); !strings.HasPrefix(got[0], "v1.k1.") {
		t.Errorf("an unsealed stamp was kept: %q", got)
	}
}

func TestNewRefusesKeysThatAreAllRetired(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString(make([]byte, 32))
	_, err := New(Options{
		Keys: testKeys(t, "old:"+secret+"@2020-01-01T00:00:00Z"), Runner: "gw-1", Epoch: testEpoch,
		Now: func() time.Time { return testTime }, Random: rand.Reader, Log: zerolog.Nop(),
	})
	if !errors.Is(err, billingkey.ErrAllRetired) {
		t.Errorf("New: %v, want ErrAllRetired", err)
	}
}

func BenchmarkRequestFilter(b *testing.B) {
	for name, tt := range map[string]struct {
		conf    string
		headers []string
	}{
		"var":     {"", nil},
		"headers": {`{"identity_from":"headers"}`, []string{billingkey.HeaderRequestID, idText, billingkey.HeaderConsumer, "acme"}},
	} {
		b.Run(name, func(b *testing.B) {
			p := newPlugin(b, sealingKeys(b), nil)
			conf := mustConf(b, p, tt.conf)
			client := newRequest(nil, append(tt.headers, "Host", "a", "Accept", "b", "User-Agent", "c", "Content-Type", "d")...).header.Header
			r := newRequest(acme)
			b.ReportAllocs()
			for b.Loop() {
				clear(r.header.Header)
				maps.Copy(r.header.Header, client)
				r.asked = r.asked[:0]
				p.RequestFilter(conf, nil, r)
			}
		})
	}
}
