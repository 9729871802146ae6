package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/stack"
)

// What must never be seen, so that it is found wherever it goes.
const (
	markPassword  = "Password7f3aMark"
	markAccess    = "AccessKey51ceMark"
	markSecret    = "SecretKey92bdMark"
	markWrong     = "WrongKey38afMark"
	markStampKey  = "StampKey640eMark-StampKey640eMark"
	markBody      = "BodyText15d9Mark"
	markHeader    = "HeaderText88c2Mark"
	markURI       = "UriText20baMark"
	markResponse  = "AnswerText4e71Mark"
	markNoEntry   = "GarbageText9d02Mark"
	markWithPunct = `Quoted"Text\6c1fMark`
)

var anyMark = regexp.MustCompile(`(?i)[a-z]+(7f3a|51ce|92bd|38af|640e|15d9|88c2|20ba|4e71|9d02)Mark|6c1fMark`)

// Whatever happens to a consumer that says all it can say, its log, /metrics and /readyz hold no password, no key, and nothing
// of what went through the gateway: refused credentials, an entry that the database refuses, one that is none, a table that is
// missing, a right that is missing, a database and a broker that go away. And a fault that goes on is not logged again and again.
func TestLogShowsNoSecretAndNoBody(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs the stack: make test")
	}
	database := stack.StartDatabase(t)
	broker := stack.StartRocketMQ(t, stack.RocketMQOptions{
		AccessKey: markAccess, SecretKey: markSecret, BrokerConfig: stack.AccessControl(markAccess, markSecret),
	})
	w := newWorldOn(t, database.NewDatabase(t), broker)
	key := base64.StdEncoding.EncodeToString([]byte(markStampKey))
	w.root = "stamp:\n  keys: k1:" + key + "\nlog:\n  level: debug\n"

	// Credentials that the broker refuses, and the user of the database, too.
	w.extra = fmt.Sprintf("  access_key: %s\n  secret_key: %s\n", markWrong, markWrong)
	good := w.dsn
	w.dsn = w.withUser(t, markPassword, "wrong"+markPassword)
	refused := w.start(t)
	await(t, 60*time.Second, "the database refuses", func() bool { return strings.Contains(refused.get(t, "/readyz"), "Access denied") })
	seen := refused.everything(t)
	refused.kill(t)
	w.dsn = w.withUser(t, markPassword, markPassword)
	refused = w.start(t)
	await(t, 60*time.Second, "the broker refuses", func() bool { return strings.Contains(refused.get(t, "/readyz"), "refuses these credentials") })
	seen += refused.everything(t)
	refused.terminate(t, 40*time.Second)
	seen += refused.log.String()

	w.extra = fmt.Sprintf("  access_key: %s\n  secret_key: %s\n", markAccess, markSecret)
	c := w.start(t)
	send := w.signedProducer(t)
	send(markedEntry(1, "model-a"))
	send([]byte(`{"` + markNoEntry + `": "no entry"`))
	send([]byte(`["` + markNoEntry + `"]`))
	await(t, 60*time.Second, "a record and two dead letters", func() bool {
		return w.records(t) == 1 && w.count(t, "SELECT COUNT(*) FROM dead_letter") == 2
	})
	w.execute(t, "ALTER TABLE mq_consume_log ADD CONSTRAINT never CHECK (model <> 'poison')")
	send(markedEntry(2, "poison"))
	await(t, 60*time.Second, "a dead letter", func() bool {
		return w.count(t, "SELECT COUNT(*) FROM dead_letter WHERE reason = 'poison'") == 1
	})
	w.execute(t, "RENAME TABLE mq_consume_log TO elsewhere")
	send(markedEntry(3, "model-b"))
	w.retries(t, c, "setup", 6)
	seen += c.everything(t)
	w.execute(t, "RENAME TABLE elsewhere TO mq_consume_log")
	await(t, 60*time.Second, "the record", func() bool { return w.records(t) == 2 })

	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	send(markedEntry(4, "model-c"))
	w.retries(t, c, "outage", 6)
	seen += c.everything(t)
	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, 60*time.Second, "the record", func() bool { return w.records(t) == 3 })
	if err := broker.Broker.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, 60*time.Second, "the broker missed", func() bool { return !c.ready(t) })
	if err := broker.Broker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, 90*time.Second, "ready", func() bool { return c.ready(t) })
	seen += c.everything(t)
	c.terminate(t, 40*time.Second)
	seen += c.log.String()

	for line := range strings.Lines(seen) {
		if found := anyMark.FindString(line); found != "" || strings.Contains(line, key[:20]) || strings.Contains(line, good) {
			t.Errorf("%q is shown: %s", found, line)
		}
	}
	repeats(t, c.log.String())
}

// withUser makes a user of the database with one password, and returns the DSN of that user with another.
func (w *world) withUser(t *testing.T, password, tried string) (dsn string) {
	t.Helper()
	w.execute(t, "CREATE USER IF NOT EXISTS marked@'127.0.0.1' IDENTIFIED BY '"+password+"'")
	w.execute(t, "GRANT ALL ON *.* TO marked@'127.0.0.1'")
	config, err := mysql.ParseDSN(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.User, config.Passwd = "marked", tried
	return config.FormatDSN()
}

// signedProducer is producer for a broker with access control.
func (w *world) signedProducer(t *testing.T) func(body []byte) {
	t.Helper()
	p, err := rocketlog.NewProducer(rocketlog.ProducerConfig{
		NameServers: w.broker.NameServers(), AccessKey: markAccess, SecretKey: markSecret,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return func(body []byte) {
		t.Helper()
		if err := p.Send(t.Context(), rocketlog.Message{Topic: w.topic, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
}

// markedEntry holds a mark wherever a client or an upstream puts text, and a stamp that is none.
func markedEntry(n int, model string) []byte {
	text := func(s string) string { quoted, _ := json.Marshal(s); return string(quoted) }
	answer := fmt.Sprintf(`{"model":%q,"choices":[{"message":{"content":%q}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`, model, markResponse)
	return fmt.Appendf(nil, `{"billing":{"request_id":"%032x","stamp":%s},"route_id":"chat","start_time":%d,"latency":1,`+
		`"consumer":{"username":%s},"request":{"method":"POST","uri":%s,"body":%s,"headers":{"authorization":%s,"x-note":%s}},`+
		`"response":{"status":200,"headers":{"content-type":"application/json"},"body":%s}}`,
		n, text("v1.k1."+markHeader), time.Now().UnixMilli(), text(markWithPunct), text("/v1/chat/completions?key="+markURI),
		text(markBody+markWithPunct), text("Bearer "+markHeader), text(markHeader), text(answer))
}

// get is the body of an answer of the consumer's own server, "" while it does not answer.
func (c *consumer) get(t *testing.T, path string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

// everything is what a consumer shows now.
func (c *consumer) everything(t *testing.T) string {
	t.Helper()
	return c.log.String() + c.get(t, "/readyz") + c.get(t, "/metrics")
}

// retries waits until transactions have failed so many times by a fault, or by a lost connection.
func (w *world) retries(t *testing.T, c *consumer, fault string, times int) {
	t.Helper()
	counted := regexp.MustCompile(`billing_retries_total\{fault="(` + fault + `|connection_lost)"\} (\d+)`)
	await(t, 90*time.Second, "failed attempts: "+fault, func() bool {
		sum := 0
		for _, m := range counted.FindAllStringSubmatch(c.get(t, "/metrics"), -1) {
			var n int
			fmt.Sscan(m[2], &n)
			sum += n
		}
		return sum >= times
	})
}

// repeats checks the warnings and errors of a log: the client's own lines of one text come at most twice a minute, and no
// other line comes twice in a row.
func repeats(t *testing.T, log string) {
	t.Helper()
	type event struct {
		Level, Message, Component, Error string
		Reasons                          []string
		Time                             time.Time
	}
	client := map[string]time.Time{}
	var before string
	for line := range strings.Lines(log) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("no JSON: %s", line)
			continue
		}
		if e.Level != "warn" && e.Level != "error" {
			continue
		}
		if e.Component == "rocketmq-client" {
			if last, ok := client[e.Message]; ok && e.Time.Sub(last) < 29*time.Second {
				t.Errorf("%v after the last one: %s", e.Time.Sub(last), line)
			}
			client[e.Message] = e.Time
			continue
		}
		now := fmt.Sprint(e.Component, e.Message, e.Error, e.Reasons)
		if now == before {
			t.Errorf("twice: %s", line)
		}
		before = now
	}
	if n := strings.Count(log, "the database takes no records"); n != 2 {
		t.Errorf("two outages of the database are told of %d times", n)
	}
}
