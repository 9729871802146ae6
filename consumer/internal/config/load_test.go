package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/config"
)

const minimal = `rocketmq:
  name_servers: [127.0.0.1:9876]
  topic: apisix-logs
  group: billing
mysql:
  dsn: billing:pa55w0rd@tcp(127.0.0.1:3306)/billing
`

// write puts text into a file named billing.yaml and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "billing.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// all validates every part, as run does.
func all(c *config.Config) []config.Validator { return []config.Validator{c} }

// load loads a file of that text and gives the lines of the error without the directory.
func load(t *testing.T, text string, environ ...string) (config.Config, []string) {
	t.Helper()
	path := write(t, text)
	cfg, warnings, err := config.Load(path, environ, all)
	if len(warnings) > 0 {
		t.Errorf("warnings %q", warnings)
	}
	if err == nil {
		return cfg, nil
	}
	return cfg, strings.Split(strings.ReplaceAll(err.Error(), path, "billing.yaml"), "\n")
}

func TestDefaultsStandWhereNothingIsGiven(t *testing.T) {
	cfg, errs := load(t, minimal)
	if errs != nil {
		t.Fatal(errs)
	}
	want := config.Default()
	want.RocketMQ.NameServers = []string{"127.0.0.1:9876"}
	want.RocketMQ.Topic, want.RocketMQ.Group = "apisix-logs", "billing"
	want.MySQL.DSN = "billing:pa55w0rd@tcp(127.0.0.1:3306)/billing"
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
}

// Every value can be given in the file and by environment, under names that follow from each other.
func TestEveryValue(t *testing.T) {
	const routes = `[{match: {route_id: ocr, service_id: s, uri_prefix: /v1/}, provider: anthropic, estimate: bytes, bytes_per_token: 4, ` +
		`billable: {statuses: [2xx, 402], methods: [POST]}, meters: [{unit: request}, {unit: pages, response_json: $.pages}, ` +
		`{unit: words, request_json: "$['w']"}, {unit: credits, response_header: X-Credits}]}, {estimate: off}]`
	const key = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	values := []struct{ name, yaml, env string }{
		{"rocketmq.name_servers", "[mq1:9876, '[::1]:9876']", "mq1:9876, [::1]:9876"},
		{"rocketmq.topic", "logs", "logs"},
		{"rocketmq.tag", "a || b", "a || b"},
		{"rocketmq.group", "g", "g"},
		{"rocketmq.access_key", "ak", "ak"},
		{"rocketmq.secret_key", "sk", "sk"},
		{"rocketmq.security_token", "st", "st"},
		{"rocketmq.concurrency", "7", "7"},
		{"rocketmq.pull_batch", "8", "8"},
		{"rocketmq.start", "2026-01-31T08:00:00+01:00", "2026-01-31T08:00:00+01:00"},
		{"rocketmq.queue_messages", "9", "9"},
		{"rocketmq.buffer_mib", "10", "10"},
		{"rocketmq.on_failure", "reconsume", "reconsume"},
		{"rocketmq.max_reconsume_times", "3", "3"},
		{"rocketmq.dlq", "true", "true"},
		{"rocketmq.dlq_group", "g2", "g2"},
		{"rocketmq.consume_timeout", "20s", "20s"},
		{"mysql.dsn", "u:p@tcp(db:3306)/b", "u:p@tcp(db:3306)/b"},
		{"mysql.max_open_conns", "4", "4"},
		{"mysql.writers", "3", "3"},
		{"batch.max_rows", "11", "11"},
		{"batch.max_bytes", "65536", "65536"},
		{"batch.linger", "0s", "0s"},
		{"stamp.keys", key, key},
		{"stamp.allow_unsealed", "true", "true"},
		{"stamp.tolerance", "2s", "2s"},
		{"stamp.rules", "[2026-12-01T00:00:00Z tolerance=0s, 2027-01-01T00:00:00Z allow_unsealed=false]",
			"2026-12-01T00:00:00Z tolerance=0s,2027-01-01T00:00:00Z allow_unsealed=false"},
		{"idempotency.window", "12h", "12h"},
		{"idempotency.absorb_tokens", "true", "true"},
		{"body.policy", "none", "none"},
		{"body.redact_headers", "[X-Secret]", "X-Secret"},
		{"body.redact_query", "[sid]", "sid"},
		{"body.redact_json", `["$.request.body"]`, "$.request.body"},
		{"retention.bodies", "30d", "30d"},
		{"retention.dead_letters", "90d", "90d"},
		{"memory_mib", "100", "100"},
		{"routes", routes, routes},
		{"http.listen", "127.0.0.1:0", "127.0.0.1:0"},
		{"http.pprof", "true", "true"},
		{"api.listen", "127.0.0.1:9465", "127.0.0.1:9465"},
		{"api.tokens_file", "tokens.yaml", "tokens.yaml"},
		{"api.cert_file", "cert.pem", "cert.pem"},
		{"api.key_file", "key.pem", "key.pem"},
		{"api.log_delay", "3s", "3s"},
		{"api.longest_request", "4s", "4s"},
		{"api.requests_per_second", "5", "5"},
		{"api.query_limit", "7s", "7s"},
		{"log.level", "debug", "debug"},
		{"log.format", "console", "console"},
		{"drain_limit", "5s", "5s"},
	}
	var file strings.Builder
	var environ []string
	section := ""
	for _, v := range values {
		environ = append(environ, "BILLING_"+strings.ToUpper(strings.ReplaceAll(v.name, ".", "_"))+"="+v.env)
		part, member, nested := strings.Cut(v.name, ".")
		switch {
		case !nested:
			file.WriteString(part + ": " + v.yaml + "\n")
			continue
		case part != section:
			file.WriteString(part + ":\n")
			section = part
		}
		file.WriteString("  " + member + ": " + v.yaml + "\n")
	}

	fromFile, errs := load(t, file.String())
	if errs != nil {
		t.Fatal(errs)
	}
	fromEnv, warnings, err := config.Load("", environ, all)
	if err != nil || warnings != nil {
		t.Fatal(err, warnings)
	}
	if !reflect.DeepEqual(fromFile, fromEnv) {
		t.Errorf("file %+v\nenv  %+v", fromFile, fromEnv)
	}
	want := config.Config{
		RocketMQ: config.RocketMQ{
			NameServers: []string{"mq1:9876", "[::1]:9876"}, Topic: "logs", Tag: "a || b", Group: "g",
			AccessKey: "ak", SecretKey: "sk", SecurityToken: "st", Concurrency: 7, PullBatch: 8,
			Start:         config.Start{At: time.Date(2026, 1, 31, 7, 0, 0, 0, time.UTC)},
			QueueMessages: 9, BufferMiB: 10, OnFailure: "reconsume", MaxReconsumeTimes: 3, DLQ: true, DLQGroup: "g2", ConsumeTimeout: 20 * time.Second,
		},
		MySQL: config.MySQL{DSN: "u:p@tcp(db:3306)/b", MaxOpenConns: 4, Writers: 3, TLS: config.MySQLTLS{MinVersion: "1.2"}},
		Batch: config.Batch{MaxRows: 11, MaxBytes: 65536},
		Stamp: config.Stamp{Keys: key, AllowUnsealed: true, Tolerance: 2 * time.Second,
			Rules: []string{"2026-12-01T00:00:00Z tolerance=0s", "2027-01-01T00:00:00Z allow_unsealed=false"}},
		Idempotency: config.Idempotency{Window: 12 * time.Hour, AbsorbTokens: true},
		Body:        config.Body{Policy: "none", RedactHeaders: []string{"X-Secret"}, RedactQuery: []string{"sid"}, RedactJSON: []string{"$.request.body"}},
		Routes: config.Routes{
			{
				Match:    config.RouteMatch{RouteID: "ocr", ServiceID: "s", URIPrefix: "/v1/"},
				Provider: "anthropic", Estimate: "bytes", BytesPerToken: 4,
				Billable: config.RouteBillable{Statuses: config.Codes{"2xx", "402"}, Methods: []string{"POST"}},
				Meters: []config.RouteMeter{
					{Unit: "request"}, {Unit: "pages", ResponseJSON: "$.pages"},
					{Unit: "words", RequestJSON: "$['w']"}, {Unit: "credits", ResponseHeader: "X-Credits"},
				},
			},
			{Estimate: "off"},
		},
		Retention: config.Retention{Bodies: config.Age(30 * 24 * time.Hour), DeadLetters: config.Age(90 * 24 * time.Hour)},
		MemoryMiB: 100,
		HTTP:      config.HTTP{Listen: "127.0.0.1:0", Pprof: true},
		API: config.API{Listen: "127.0.0.1:9465", TokensFile: "tokens.yaml", CertFile: "cert.pem", KeyFile: "key.pem",
			LogDelay: 3 * time.Second, LongestRequest: 4 * time.Second, RequestsPerSecond: 5, QueryLimit: 7 * time.Second},
		Log:        config.Log{Level: "debug", Format: "console"},
		DrainLimit: 5 * time.Second,
	}
	if !reflect.DeepEqual(fromEnv, want) {
		t.Errorf("got  %+v\nwant %+v", fromEnv, want)
	}
}

func TestErrors(t *testing.T) {
	tests := map[string]struct {
		text    string
		environ []string
		want    []string
	}{
		"nothing given": {
			want: []string{
				"rocketmq.name_servers: is required: at least one host:port",
				"rocketmq.topic: is required",
				"rocketmq.group: is required",
				"mysql.dsn: is required: user:password@tcp(host:port)/database",
			},
		},
		"everything at once, each with its place": {
			text: minimal + `
  writers: many
  max_open_conns: 2
colour: blue
batch:
  max_rows: 0
  size: 5
stamp:
  allow_unsealed: yes please
  tolerance: 3
body:
  policy: some
  redact_headers: x-secret
http: 9464
log:
  level: 3
`,
			environ: []string{"BILLING_DRAIN_LIMIT=soon", "BILLING_LOG_FORMAT=xml"},
			want: []string{
				"billing.yaml:8: mysql.writers: must be a whole number",
				"billing.yaml:10: colour: no such setting",
				"billing.yaml:13: batch.size: no such setting",
				"billing.yaml:15: stamp.allow_unsealed: must be true or false",
				"billing.yaml:16: stamp.tolerance: must be a duration with its unit, such as 500ms or 30s",
				"billing.yaml:19: body.redact_headers: must be a list",
				"billing.yaml:20: http: must be a section with values of its own",
				"billing.yaml:22: log.level: must be text: put the value in quotes",
				"BILLING_DRAIN_LIMIT: drain_limit: must be a duration with its unit, such as 500ms or 30s",
				"billing.yaml:9: mysql.max_open_conns: must be 3 to 1024, not 2",
				"billing.yaml:12: batch.max_rows: must be 1 to 10000, not 0",
				"billing.yaml:18: body.policy: must be one of redacted, full, none",
				"BILLING_LOG_FORMAT: log.format: must be one of json, console",
			},
		},
		"given twice, empty, nested, under a wrong section": {
			text: minimal + `
  dsn: other
  writers:
  max_open_conns: [1]
  topic: t
`,
			want: []string{
				"billing.yaml:8: mysql.dsn: is given twice",
				"billing.yaml:9: mysql.writers: has no value: give one or leave the line out",
				"billing.yaml:10: mysql.max_open_conns: must be one value",
				"billing.yaml:11: mysql.topic: no such setting",
			},
		},
		"not YAML": {
			text: "rocketmq:\n\ttopic: x\n",
			want: []string{
				"billing.yaml: not YAML: line 2: found character that cannot start any token",
			},
		},
		"a value that looks like an alias": {
			text: minimal + "stamp:\n  keys: *s3cr3t\n",
			want: []string{"billing.yaml: not YAML: a value that begins with * must be in quotes"},
		},
		"two documents": {
			text: minimal + "---\nlog: {level: info}\n",
			want: []string{"billing.yaml: holds more than one YAML document"},
		},
		"a section without values": {
			text: minimal + "batch:\n  # max_rows: 5\n",
		},
		"not a mapping": {
			text: "- rocketmq\n",
			want: []string{"billing.yaml:1: must hold sections such as rocketmq and mysql"},
		},
		"the environment repairs a value of the file": {
			text:    minimal + "  writers: many\n",
			environ: []string{"BILLING_MYSQL_WRITERS=2"},
		},
		"addresses": {
			text:    minimal + "http: {listen: localhost}\n",
			environ: []string{"BILLING_ROCKETMQ_NAME_SERVERS=mq1,:9876,mq:0,mq:9876,"},
			want: []string{
				`BILLING_ROCKETMQ_NAME_SERVERS: rocketmq.name_servers: "mq1" is not host:port`,
				`BILLING_ROCKETMQ_NAME_SERVERS: rocketmq.name_servers: ":9876" has no host`,
				`BILLING_ROCKETMQ_NAME_SERVERS: rocketmq.name_servers: "mq:0" has a port that is not in 1 to 65535`,
				`BILLING_ROCKETMQ_NAME_SERVERS: rocketmq.name_servers: "" is not host:port`,
				`billing.yaml:7: http.listen: "localhost" is not host:port`,
			},
		},
		"profiles for everybody": {
			text: minimal + "http: {listen: ':9464', pprof: true}\n",
			want: []string{"billing.yaml:7: http.pprof: needs a loopback address in http.listen, such as 127.0.0.1:9464"},
		},
		"an API for nobody": {
			text: minimal + "api: {listen: ':9465', cert_file: c.pem, log_delay: 48h, requests_per_second: 0, query_limit: 1ms}\n",
			want: []string{
				"api.tokens_file: is required beside api.listen: billing-consumer token makes its lines",
				"api.key_file: is required beside api.cert_file",
				"billing.yaml:7: api.log_delay: must be 0s to 24h0m0s, not 48h0m0s",
				"billing.yaml:7: api.requests_per_second: must be 1 to 100000, not 0",
				"billing.yaml:7: api.query_limit: must be 1s to 10m0s, not 1ms",
			},
		},
		"start": {
			text: minimal, environ: []string{"BILLING_ROCKETMQ_START=yesterday"},
			want: []string{"BILLING_ROCKETMQ_START: rocketmq.start: must be first, last or a time such as 2026-01-31T08:00:00Z"},
		},
		"credentials come together": {
			text: minimal, environ: []string{"BILLING_ROCKETMQ_ACCESS_KEY=ak"},
			want: []string{"rocketmq.secret_key: is required beside rocketmq.access_key"},
		},
		"no such keys file": {
			text: minimal, environ: []string{"BILLING_STAMP_KEYS_FILE=/nonexistent"},
			want: []string{"BILLING_STAMP_KEYS_FILE: stamp.keys_file: the file can't be read: no such file or directory"},
		},
		"keys twice": {
			text: minimal, environ: []string{"BILLING_STAMP_KEYS_FILE=/nonexistent", "BILLING_STAMP_KEYS=x"},
			want: []string{"BILLING_STAMP_KEYS_FILE: stamp.keys_file: keys and a file of keys are both given: keep one"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, got := load(t, tt.text, tt.environ...)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// Each DSN holds the password s3cr3t in a form that the driver does not take.
func TestDSNErrorsKeepThePassword(t *testing.T) {
	for _, dsn := range []string{
		"s3cr3t",
		"user:s3cr3t@tcp(db:3306)",
		"user:s3cr3t@tcp(db:3306)/",
		"user:s3cr3t@tcp(db:3306/billing",
		"user:x@tcp(db:3306)/billing?timeout=s3cr3t",
		"user:x@tcp(db:3306)/billing?a=/s3cr3t%zz",
		"user:?/s3cr3t@tcp(db:3306)/billing",
	} {
		_, errs := load(t, minimal, "BILLING_MYSQL_DSN="+dsn)
		if dsn == "user:?/s3cr3t@tcp(db:3306)/billing" && errs == nil {
			continue // a password may hold these
		}
		if len(errs) != 1 || !strings.HasPrefix(errs[0], "BILLING_MYSQL_DSN: mysql.dsn: must ") {
			t.Errorf("%s: %q", dsn, errs)
		}
		if strings.Contains(strings.Join(errs, ""), "s3cr3t") {
			t.Errorf("%s: the error shows the password: %s", dsn, errs)
		}
	}
}

func TestWarnsOfVariablesThatMeanNothing(t *testing.T) {
	_, warnings, err := config.Load(write(t, minimal), []string{
		"BILLING_RUNNER_ID=r", "BILLING_RUNNER_LOG_LEVEL=x", "BILLING_TEST_NAMESRV=x", "BILLING_TEST_ANYTHING=x", "BILLING_STAMP_KEYS=", "HOME=/",
		"BILLING_SERVICE_PORT=80", "BILLING_ROCKETMQ_TOPICS=s3cr3t", "BILLING_LOG_LEVEL=",
	}, all)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"BILLING_ROCKETMQ_TOPICS: no such setting, it has no effect",
		"BILLING_SERVICE_PORT: no such setting, it has no effect",
	}
	if !reflect.DeepEqual(warnings, want) {
		t.Errorf("got %q, want %q", warnings, want)
	}
}

// A command that needs one part is not held up by what another lacks, but never by a file that can't be read right.
func TestValidatesWhatIsNeeded(t *testing.T) {
	mysqlOnly := func(c *config.Config) []config.Validator { return []config.Validator{c.MySQL} }
	dsn := "BILLING_MYSQL_DSN=u:p@tcp(db:3306)/b"
	if _, _, err := config.Load("", []string{dsn}, mysqlOnly); err != nil {
		t.Error(err)
	}
	_, _, err := config.Load("", []string{dsn, "BILLING_BATCH_MAX_ROWS=x"}, mysqlOnly)
	all, ok := errors.AsType[config.Errors](err)
	if !ok || len(all) != 1 || all[0].Field != "batch.max_rows" {
		t.Errorf("got %v", err)
	}
	if _, _, err := config.Load("/nonexistent.yaml", []string{dsn}, mysqlOnly); err == nil ||
		err.Error() != "/nonexistent.yaml: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

// Whatever stands in the file, it is read or refused with the file's name and, in one piece, a reason.
func FuzzLoad(f *testing.F) {
	f.Add(minimal)
	f.Add("rocketmq: &r\n  topic: *r\n")
	f.Add("rocketmq: {name_servers: [&a x, *a, [*a]]}\nmysql: *a\n")
	f.Add("? [a]\n: b\n<<: {topic: x}\nlog:\n  level: !!binary aW5mbw==\n")
	f.Add("--- !!map\n...\n---\n")
	path := filepath.Join(f.TempDir(), "billing.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := config.Load(path, nil, func(*config.Config) []config.Validator { return nil })
		if err == nil {
			return
		}
		all, ok := errors.AsType[config.Errors](err)
		if !ok || len(all) == 0 {
			t.Fatalf("not Errors: %v", err)
		}
		for _, e := range all {
			if !strings.HasPrefix(e.Place, path) || e.Problem == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}
