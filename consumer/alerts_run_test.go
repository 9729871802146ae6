package main_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/source"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/stack"
)

// TestAlertsFireByRealFaults lets a real Prometheus scrape a real run and evaluate the rules, while that run meets every
// fault that can be made from outside. Each alert fires by its own fault, those of a state end with it, each documented metric
// moves, and /readyz goes red and green.
//
// In this copy of the rules nothing has to last ("for: 0s"), and what is late is so after 2 s instead of 5 or 10 minutes.
func TestAlertsFireByRealFaults(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs the stack: make test")
	}
	database := stack.StartDatabase(t)
	broker := stack.StartRocketMQ(t, stack.RocketMQOptions{BrokerConfig: []string{"mappedFileSizeCommitLog=1048576"}})
	w := newWorldOn(t, database.NewDatabase(t), broker)
	w.extra = "  dlq: true\n"
	w.root = "stamp:\n  keys: " + stampKey("k1") + "\n"
	send := w.producer(t)
	dlq := *w
	dlq.topic = "%DLQ%" + w.group
	createDLQ := func(p stack.Permission) {
		t.Helper()
		if err := broker.CreateTopic(t.Context(), dlq.topic, 1, p); err != nil {
			t.Fatal(err)
		}
	}
	createDLQ(stack.WriteOnly)
	p := watchWithPrometheus(t)
	p.fires(t, "BillingConsumerGone")

	c := w.start(t)
	p.scrape(t, c)
	p.fires(t, "BillingDLQUnreadable")
	p.ends(t, "BillingConsumerGone", "BillingNotReady", "BillingDatabaseDown")
	createDLQ(stack.ReadWrite)

	// What clients, gateways and runners do wrong.
	send([]byte(entry(0)))
	p.seen(t, `billing_usage_states_total{route="chat"}`)
	sendDoubtful(t, send)
	p.fires(t, "BillingUnknownKey", "BillingStampsNotBelieved", "BillingWeakKeys", "BillingConflicts", "BillingUsageMismatches",
		"BillingUsageMissing", "BillingDeadLettersPending")
	p.ends(t, "BillingDLQUnreadable")
	send([]byte(entry(20))) // known without its usage until now
	p.seen(t, "billing_records_raised_total > 0")
	p.seen(t, "billing_stamp_numbers_missing == 0") // the number of the altered stamp is not late yet
	w.execute(t, "UPDATE stamp_seen SET create_time = create_time - INTERVAL 1 HOUR")

	// The database: locked, without a table, away.
	w.lockFor(t, 2, func() {
		for n := range 4 { // several transactions of few: the alert is about one in twenty
			send(array(100+n, 101+n))
		}
	})
	p.fires(t, "BillingCommitsSlow")
	w.execute(t, "RENAME TABLE mq_consume_log TO elsewhere")
	send(array(110, 120))
	p.fires(t, "BillingDatabaseSetup", "BillingDatabaseDown", "BillingNotReady")
	w.execute(t, "RENAME TABLE elsewhere TO mq_consume_log")
	p.ends(t, "BillingDatabaseDown", "BillingNotReady")
	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	send(array(120, 130))
	dlq.producer(t)(array(130, 140))
	p.fires(t, "BillingDatabaseDown", "BillingNotReady", "BillingLag", "BillingRetentionNear")
	p.seen(t, "billing_dlq_lag_messages > 0")
	if c.ready(t) {
		t.Error("/readyz is green without a database")
	}
	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.ends(t, "BillingDatabaseDown", "BillingNotReady", "BillingLag", "BillingRetentionNear")
	if !c.ready(t) {
		t.Error("/readyz is red although nothing is wrong")
	}

	p.fires(t, "BillingStampsMissing")

	// The broker and its name server.
	if err := broker.Broker.Kill(); err != nil {
		t.Fatal(err)
	}
	p.fires(t, "BillingBrokerDown", "BillingNotReady")
	if c.ready(t) {
		t.Error("/readyz is green without a broker")
	}
	if err := broker.Broker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.ends(t, "BillingBrokerDown", "BillingNotReady")
	if err := broker.NameServer.Kill(); err != nil {
		t.Fatal(err)
	}
	p.fires(t, "BillingNameServerDown")
	if err := broker.NameServer.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.ends(t, "BillingNameServerDown", "BillingNotReady")

	// The retention passes while no consumer runs.
	w.settled(t)
	c.terminate(t, 40*time.Second)
	p.fires(t, "BillingConsumerGone")
	w.expireUnread(t)
	if err := broker.NameServer.Kill(); err != nil {
		t.Fatal(err)
	}
	p.scrape(t, w.start(t))
	p.seen(t, "changes(billing_source_restarts_total[5m]) > 0") // and not only above 0 when it is scraped first
	if err := broker.NameServer.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.fires(t, "BillingMessagesLost")
	p.seen(t, `billing_offset_jumps_total{direction="forward"} > 0`)
	p.seen(t, "billing_messages_expired_total > 0")

	p.allFired(t)
	p.allMoved(t)
}

// watcher is a Prometheus with the rules, and what it said so far.
type watcher struct {
	*stack.Prometheus
	targets string
	fired   map[string]bool
}

var durations = regexp.MustCompile(`(?m)^(\s+for:) .*$`)

func watchWithPrometheus(t *testing.T) *watcher {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	copied := durations.ReplaceAllString(string(text), "$1 0s")
	copied = strings.NewReplacer("> 300\n", "> 2\n", "> 600\n", "> 2\n").Replace(copied)
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(copied), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &watcher{targets: filepath.Join(dir, "targets.json"), fired: map[string]bool{}}
	p.Prometheus = stack.StartPrometheus(t, dir, `global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: billing-consumer
    file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]
`)
	return p
}

// scrape makes a consumer the one that is scraped.
func (p *watcher) scrape(t *testing.T, c *consumer) {
	t.Helper()
	if err := os.WriteFile(p.targets, fmt.Appendf(nil, `[{"targets":[%q]}]`, c.address), 0o600); err != nil {
		t.Fatal(err)
	}
}

// firing are the alerts that fire now.
func (p *watcher) firing(t *testing.T) map[string]bool {
	t.Helper()
	alerts, err := p.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := map[string]bool{}
	for _, a := range alerts {
		now[a.Labels["alertname"]] = true
		p.fired[a.Labels["alertname"]] = true
		for name, text := range a.Annotations {
			if strings.Contains(text, "<error") || strings.Contains(text, "no value") {
				t.Errorf("%s: its %s is %q", a.Labels["alertname"], name, text)
			}
		}
	}
	return now
}

// fires waits until all of the alerts fire, at once.
func (p *watcher) fires(t *testing.T, names ...string) {
	t.Helper()
	var now map[string]bool
	defer func() {
		if t.Failed() {
			t.Logf("firing: %v", slices.Sorted(maps.Keys(now)))
		}
	}()
	await(t, 90*time.Second, "firing: "+strings.Join(names, ", "), func() bool {
		now = p.firing(t)
		return !slices.ContainsFunc(names, func(name string) bool { return !now[name] })
	})
}

// ends waits until none of the alerts fires.
func (p *watcher) ends(t *testing.T, names ...string) {
	t.Helper()
	await(t, 90*time.Second, "no longer firing: "+strings.Join(names, ", "), func() bool {
		now := p.firing(t)
		return !slices.ContainsFunc(names, func(name string) bool { return now[name] })
	})
}

// seen waits until an expression gives something.
func (p *watcher) seen(t *testing.T, expression string) {
	t.Helper()
	await(t, 90*time.Second, expression, func() bool {
		found, err := p.Query(t.Context(), expression)
		if err != nil {
			t.Fatal(err)
		}
		return len(found) > 0
	})
}

// allFired: no rule was left out but those that tell of a fault in this program itself.
func (p *watcher) allFired(t *testing.T) {
	t.Helper()
	for _, r := range rules(t) {
		ownFault := r.Alert == "BillingAccountsDiffer" || r.Alert == "BillingMessagesStuck"
		if p.fired[r.Alert] == ownFault {
			t.Errorf("%s fired: %t", r.Alert, p.fired[r.Alert])
		}
	}
}

// allMoved: each documented metric had at least two values.
func (p *watcher) allMoved(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile("METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	series, err := p.Query(t.Context(), `{__name__=~"billing_.+"}[1h]`)
	if err != nil {
		t.Fatal(err)
	}
	moved := map[string]bool{}
	for _, s := range series {
		for _, sample := range s.Samples[1:] {
			if sample[1] != s.Samples[0][1] {
				moved[strings.TrimSuffix(s.Labels["__name__"], "_sum")] = true
			}
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(billing_\\w+)` \\|").FindAllStringSubmatch(string(page), -1) {
		// The build is what it is. Stuck messages are a fault in this program: package source makes it. No alert rests on the
		// API's metrics: package api moves them.
		if !moved[m[1]] && !strings.HasPrefix(m[1], "billing_api_") && m[1] != "billing_build_info" && m[1] != "billing_stuck_messages" {
			t.Errorf("%s did not move", m[1])
		}
	}
}

func stampKey(id string) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(id, 16)))
}

// sendDoubtful sends an entry or more for each doubt that an alert is about.
func sendDoubtful(t *testing.T, send func([]byte)) {
	t.Helper()
	sealers := map[string]*billingkey.Sealer{}
	for _, id := range []string{"k1", "k2"} {
		keys, err := billingkey.ParseKeys(stampKey(id))
		if err != nil {
			t.Fatal(err)
		}
		if sealers[id], err = billingkey.NewSealer(keys, billingkey.NewEpoch(time.Now(), 1), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	stamped := func(n int, key string, alter func(stamp string) string) {
		t.Helper()
		ms := time.Now().UnixMilli()
		stamp, err := sealers[key].Seal(billingkey.Stamp{
			RequestID: billingkey.RequestID{15: byte(n)}, IDSource: billingkey.IDFromVar, Time: time.UnixMilli(ms), Runner: "r",
		})
		if err != nil {
			t.Fatal(err)
		}
		send(fmt.Appendf(nil, `{"billing":{"request_id":"%032x","stamp":%q},"route_id":"chat","start_time":%d,"request":{},"response":{}}`,
			n, alter(stamp), ms))
	}
	asItIs := func(stamp string) string { return stamp }
	stamped(1, "k1", asItIs)
	stamped(2, "k1", func(stamp string) string { return stamp[:len(stamp)-4] + "AAAA" }) // its number is not believed, and missing
	stamped(3, "k1", asItIs)
	for n := 4; n < 10; n++ { // one alone may be a stranger's
		stamped(n, "k2", asItIs)
	}

	send([]byte(entry(10)))
	send([]byte(strings.Replace(entry(10), "alice", "bob", 1)))
	send([]byte(regexp.MustCompile(`"billing":\{.*?\},`).ReplaceAllString(entry(11), "")))
	send([]byte(strings.Replace(entry(12), `\"completion_tokens\":12`, `\"completion_tokens\":12,\"total_tokens\":9`, 1)))
	withoutBody := func(n int) string {
		return regexp.MustCompile(`,"body":".*"\}\}$`).ReplaceAllString(entry(n), "}}")
	}
	var missing []string
	for n := 20; n < 40; n++ {
		missing = append(missing, withoutBody(n))
	}
	send([]byte("[" + strings.Join(missing, ",") + "]"))
	send([]byte("GET / HTTP/1.1"))
}

// execute runs a statement.
func (w *world) execute(t *testing.T, statement string) {
	t.Helper()
	if _, err := w.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// lockFor keeps everybody from writing until somebody has waited for that many seconds.
func (w *world) lockFor(t *testing.T, seconds int, then func()) {
	t.Helper()
	conn, err := w.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK"); err != nil {
		t.Fatal(err)
	}
	then()
	await(t, 60*time.Second, "a transaction that waits", func() bool {
		return w.count(t, `SELECT COUNT(*) FROM information_schema.processlist
			WHERE time >= ? AND state LIKE 'Waiting for%'`, seconds) > 0
	})
	if _, err := conn.ExecContext(context.WithoutCancel(t.Context()), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
}

// expireUnread writes messages that nobody reads and has the broker delete some of them.
func (w *world) expireUnread(t *testing.T) {
	t.Helper()
	send := w.producer(t)
	for n := range 40 {
		send(array(1000+200*n, 1200+200*n)) // 100 KB
	}
	if err := w.broker.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, 150*time.Second, "unread messages deleted", func() bool {
		progress, err := source.AskProgress(t.Context(), source.Options{NameServers: w.broker.NameServers(), Topic: w.topic, Group: w.group})
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(progress.Queues, func(q source.QueueProgress) bool { return q.Committed >= 0 && q.Min > q.Committed })
	})
}
