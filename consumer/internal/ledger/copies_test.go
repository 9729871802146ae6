package ledger_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/shared/billingkey"
)

// copyOf is one copy of alice's request: as the default entry or by a log_format, with what it carries of its keys.
func copyOf(format, carries, id, stamp string) string {
	gateway, inEntry := strings.Contains(carries, "gateway"), strings.Contains(carries, "stamp")
	if format == "log_format" {
		fields := `"route_id":"r1","service_id":"s1","msec":1795347865.718,"request_time":0.003,"status":200`
		if gateway {
			fields += fmt.Sprintf(`,"billing_request_id":%q`, id)
		}
		if inEntry {
			fields += fmt.Sprintf(`,"billing_stamp":%q`, stamp)
		}
		return "{" + fields + "}"
	}
	billing, header := "", ""
	if gateway {
		billing = fmt.Sprintf(`"billing":{"request_id":%q},`, id)
	}
	if inEntry {
		header = fmt.Sprintf(`,"x-billing-stamp":%q`, stamp)
	}
	return `{` + billing + `"route_id":"r1","service_id":"s1","consumer":{"username":"alice"},"client_ip":"10.0.0.1",` +
		`"start_time":1795347865715,"latency":3,"request":{"method":"POST","uri":"/v1","size":200,"headers":{"host":"h"` + header +
		`}},"response":{"status":200,"size":300,"headers":{}}}`
}

// stamping is what seals stamps from a time on, and what makes records of entries that carry them.
func stamping(t testing.TB, began time.Time) (*billingkey.Sealer, *pipeline.Deriver) {
	t.Helper()
	keys, err := billingkey.ParseKeys("k1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := billingkey.NewSealer(keys, billingkey.NewEpoch(began, 1), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return sealer, &pipeline.Deriver{Keys: keys, Rules: identity.Rules{Tolerance: time.Second}, Body: redact.New(redact.Redacted, nil, nil)}
}

// All copies of a request that can meet do, in any order and company: whichever of them carries the gateway's word, a
// stamp or both, as a default entry or by a log_format. One that carries neither can't, and has a fingerprint.
func TestCopiesMeet(t *testing.T) {
	start := time.UnixMilli(1795347865715)
	sealer, d := stamping(t, start)
	type kind struct{ format, carries string }
	var kinds []kind
	for _, format := range []string{"default", "log_format"} {
		for _, carries := range []string{"gateway", "stamp", "gateway and stamp", "neither"} {
			kinds = append(kinds, kind{format, carries})
		}
	}
	w, db := fresh(t)
	for _, first := range kinds {
		for _, second := range kinds {
			for _, together := range []bool{false, true} {
				id := billingkey.RequestID(someID())
				stamp, err := sealer.Seal(billingkey.Stamp{
					RequestID: id, IDSource: billingkey.IDFromVar, Consumer: "alice", Time: start, Runner: "gw", IdempotencyKey: id.String(),
				})
				if err != nil {
					t.Fatal(err)
				}
				name := fmt.Sprintf("%v, %v, in one message: %v", first, second, together)
				exec(t, db, "DELETE FROM mq_consume_log")
				a, b := copyOf(first.format, first.carries, id.String(), stamp), copyOf(second.format, second.carries, id.String(), stamp)
				bodies := []string{a, b}
				if together {
					bodies = []string{"[" + a + "," + b + "]"}
				}
				for _, body := range bodies {
					u := d.Unit(record.Origin{Topic: "t"}, []byte(body))
					for _, r := range u.Records {
						if weak := r.RequestID == nil; weak != (r.KeySource == record.KeyFromFingerprint) {
							t.Errorf("%s: %s", name, r.KeySource)
						}
					}
					if o := commit(t, w, u); o.Conflict != 0 || o.Rejected != 0 {
						t.Errorf("%s: %+v", name, o)
					}
				}
				weak := first.carries == "neither" || second.carries == "neither"
				want := 1
				if weak && (first != second || together) {
					want = 2 // in one message two equal entries are two requests
				}
				if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log"); n != want {
					t.Errorf("%s: %d records, want %d", name, n, want)
				}
				if weak {
					continue
				}
				// What one of them knows, the record knows.
				carries := first.carries + second.carries
				source, consumer := "stamp", "?"
				if strings.Contains(carries, "gateway") {
					source = "gateway"
				}
				if first.format == "default" || second.format == "default" || strings.Contains(carries, "stamp") {
					consumer = "alice"
				}
				got := value[string](t, db, "SELECT CONCAT_WS(' ', key_source, IFNULL(consumer, '?'), idempotency_key IS NOT NULL) FROM mq_consume_log")
				if want := fmt.Sprintf("%s %s %d", source, consumer, min(1, strings.Count(carries, "stamp"))); got != want {
					t.Errorf("%s: the record has %q, want %q", name, got, want)
				}
			}
		}
	}
}
