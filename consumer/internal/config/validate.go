package config

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/redact"
)

// Validator is a part of the configuration, or all of it. Its error is of type Errors.
type Validator interface{ Validate() error }

// Validate checks every part.
func (c *Config) Validate() error {
	var e Errors
	for _, part := range []Validator{c.RocketMQ, c.MySQL, c.Batch, c.Stamp, c.Idempotency, c.Body, c.Retention, c.Routes, c.HTTP, c.API, c.Log} {
		e = append(e, errorsOf(part)...)
	}
	between(&e, "memory_mib", c.MemoryMiB, 64, 1<<20)
	// The RocketMQ client drops a queue that it could not pull for 120 s.
	between(&e, "drain_limit", c.DrainLimit, time.Second, 100*time.Second)
	return e.orNil()
}

// errorsOf is what is wrong with a part.
func errorsOf(part Validator) Errors {
	e, _ := errors.AsType[Errors](part.Validate())
	return e
}

// What RocketMQ takes as names.
var (
	topicName = regexp.MustCompile(`^[%|a-zA-Z0-9_-]{1,127}$`)
	groupName = regexp.MustCompile(`^[%|a-zA-Z0-9_-]{1,255}$`)
)

// Validate checks the part `rocketmq`.
func (r RocketMQ) Validate() error {
	var e Errors
	if len(r.NameServers) == 0 {
		e.add("rocketmq.name_servers", "is required: at least one host:port")
	}
	for _, address := range r.NameServers {
		if problem := addressProblem(address, false); problem != "" {
			e.add("rocketmq.name_servers", "%q %s", address, problem)
		}
	}
	name(&e, "rocketmq.topic", r.Topic, topicName)
	name(&e, "rocketmq.group", r.Group, groupName)
	if r.Group == "DEFAULT_CONSUMER" {
		e.add("rocketmq.group", "DEFAULT_CONSUMER is reserved by the RocketMQ client")
	}
	for tag := range strings.SplitSeq(r.Tag, "||") {
		if strings.TrimSpace(tag) == "" {
			e.add("rocketmq.tag", `must be * or tags joined by "||", none of them empty`)
			break
		}
	}
	switch {
	case r.AccessKey != "" && r.SecretKey == "":
		e.add("rocketmq.secret_key", "is required beside rocketmq.access_key")
	case r.AccessKey == "" && r.SecretKey != "":
		e.add("rocketmq.access_key", "is required beside rocketmq.secret_key")
	case r.AccessKey == "" && r.SecurityToken != "":
		e.add("rocketmq.access_key", "is required beside rocketmq.security_token")
	}
	between(&e, "rocketmq.concurrency", r.Concurrency, 1, 100_000)
	between(&e, "rocketmq.pull_batch", r.PullBatch, 1, 1024)
	between(&e, "rocketmq.queue_messages", r.QueueMessages, 1, 16_384)
	between(&e, "rocketmq.buffer_mib", r.BufferMiB, 1, 1<<20)
	if r.OnFailure != "hold" && r.OnFailure != "reconsume" {
		e.add("rocketmq.on_failure", "must be hold or reconsume")
	}
	if r.OnFailure == "reconsume" && !r.DLQ {
		e.add("rocketmq.dlq", "must be true beside rocketmq.on_failure: reconsume, for what the broker gives up on lies there")
	}
	between(&e, "rocketmq.max_reconsume_times", r.MaxReconsumeTimes, 1, 16)
	if r.DLQGroup != "" {
		name(&e, "rocketmq.dlq_group", r.DLQGroup, groupName)
		if r.DLQGroup == r.Group {
			e.add("rocketmq.dlq_group", "must not be rocketmq.group: all members of a group read the same topic")
		}
	}
	if r.ConsumeTimeout < 0 {
		e.add("rocketmq.consume_timeout", "must not be negative")
	}
	return e.orNil()
}

// name checks a required name.
func name(e *Errors, field, value string, form *regexp.Regexp) {
	switch {
	case value == "":
		e.add(field, "is required")
	case !form.MatchString(value):
		e.add(field, "must be letters, digits and _ - %% | only")
	}
}

// Validate checks the part `mysql`.
func (m MySQL) Validate() error {
	var e Errors
	if problem := dsnProblem(m.DSN.Reveal()); problem != "" {
		e.add("mysql.dsn", "%s", problem)
	}
	if problem := m.passwordProblem(); problem != "" {
		e.add("mysql.password", "%s", problem)
	}
	e = append(e, m.tlsErrors()...)
	between(&e, "mysql.writers", m.Writers, 1, 64)
	between(&e, "mysql.max_open_conns", m.MaxOpenConns, m.Writers+1, 1024)
	return e.orNil()
}

// dsnProblem says what is wrong with a DSN, without any text of it: the driver's own errors may quote a part of the
// password where it holds characters that the form does not allow.
func dsnProblem(dsn string) string {
	if dsn == "" {
		return "is required: user:password@tcp(host:port)/database"
	}
	switch parsed, err := mysql.ParseDSN(dsn); {
	case err != nil && strings.HasPrefix(err.Error(), "invalid DSN: "):
		return "must be user:password@tcp(host:port)/database, " + strings.TrimPrefix(err.Error(), "invalid DSN: ")
	case err != nil:
		return "must be user:password@tcp(host:port)/database, but a parameter behind its ? is not understood"
	case parsed.DBName == "":
		return "must name a database: user:password@tcp(host:port)/database"
	}
	return ""
}

// Validate checks the part `batch`.
func (b Batch) Validate() error {
	var e Errors
	between(&e, "batch.max_rows", b.MaxRows, 1, 10_000)
	between(&e, "batch.max_bytes", b.MaxBytes, 64<<10, 1<<30)
	between(&e, "batch.linger", b.Linger, 0, time.Second)
	return e.orNil()
}

// Validate checks the part `stamp`. It reads the keys and, where one is named, their file.
func (s Stamp) Validate() error {
	var e Errors
	if _, err := s.KeySet(); err != nil {
		field := "stamp.keys"
		if s.KeysFile != "" {
			field = "stamp.keys_file"
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			e.add(field, "%s", line)
		}
	}
	between(&e, "stamp.tolerance", s.Tolerance, 0, identity.MaxTolerance)
	if _, err := identity.ParseChanges(s.Rules); err != nil {
		e.add("stamp.rules", "%s", err)
	}
	return e.orNil()
}

// Validate checks the part `idempotency`.
func (i Idempotency) Validate() error {
	var e Errors
	between(&e, "idempotency.window", i.Window, time.Second, 366*24*time.Hour)
	return e.orNil()
}

// Validate checks the part `body`.
func (b Body) Validate() error {
	var e Errors
	oneOf(&e, "body.policy", b.Policy, redact.Redacted, redact.Full, redact.None)
	noneEmpty(&e, "body.redact_headers", b.RedactHeaders)
	noneEmpty(&e, "body.redact_query", b.RedactQuery)
	for _, text := range b.RedactJSON {
		if _, err := redact.ParsePath(text); err != nil {
			e.add("body.redact_json", "%q %s", text, err)
		}
	}
	return e.orNil()
}

// Redactor is what the part, which is valid, says.
func (b Body) Redactor() *redact.Redactor {
	var paths []redact.Path
	for _, text := range b.RedactJSON {
		if path, err := redact.ParsePath(text); err == nil {
			paths = append(paths, path)
		}
	}
	return redact.New(b.Policy, b.RedactHeaders, b.RedactQuery).WithPaths(paths)
}

// MinAge is the youngest that retention may prune: a slip of the unit must not empty everything.
const MinAge = Age(time.Hour)

// Validate checks the part `retention`.
func (r Retention) Validate() error {
	var e Errors
	for field, age := range map[string]Age{"retention.bodies": r.Bodies, "retention.dead_letters": r.DeadLetters} {
		if age != 0 && age < MinAge {
			e.add(field, "must be at least 1h, or never")
		}
	}
	return e.orNil()
}

// noneEmpty checks that each item of a list says something.
func noneEmpty(e *Errors, field string, items []string) {
	if slices.Contains(items, "") {
		e.add(field, "must not hold an empty name")
	}
}

// Validate checks the part `http`.
func (h HTTP) Validate() error {
	var e Errors
	if problem := addressProblem(h.Listen, true); problem != "" {
		e.add("http.listen", "%q %s", h.Listen, problem)
	} else if h.Pprof && !Loopback(h.Listen) {
		e.add("http.pprof", "needs a loopback address in http.listen, such as 127.0.0.1:9464")
	}
	return e.orNil()
}

// Validate checks the part `api`.
func (a API) Validate() error {
	var e Errors
	if a.Listen != "" {
		if problem := addressProblem(a.Listen, true); problem != "" {
			e.add("api.listen", "%q %s", a.Listen, problem)
		}
		if a.TokensFile == "" {
			e.add("api.tokens_file", "is required beside api.listen: billing-consumer token makes its lines")
		}
	}
	switch {
	case a.CertFile != "" && a.KeyFile == "":
		e.add("api.key_file", "is required beside api.cert_file")
	case a.CertFile == "" && a.KeyFile != "":
		e.add("api.cert_file", "is required beside api.key_file")
	}
	between(&e, "api.log_delay", a.LogDelay, 0, 24*time.Hour)
	between(&e, "api.longest_request", a.LongestRequest, 0, 24*time.Hour)
	between(&e, "api.requests_per_second", a.RequestsPerSecond, 1, 100_000)
	between(&e, "api.query_limit", a.QueryLimit, time.Second, 10*time.Minute)
	return e.orNil()
}

// Loopback says whether only this machine reaches an address (host:port).
func Loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// addressProblem says why an address is no host:port. One to listen on may leave out the host, and have port 0.
func addressProblem(address string, listen bool) string {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.Atoi(port)
	switch {
	case err != nil:
		return "is not host:port"
	case host == "" && !listen:
		return "has no host"
	case portErr != nil || n < 0 || n > 65535 || n == 0 && !listen:
		return "has a port that is not in 1 to 65535"
	}
	return ""
}

// Validate checks the part `log`.
func (l Log) Validate() error {
	var e Errors
	oneOf(&e, "log.level", l.Level, zerolog.LevelDebugValue, zerolog.LevelInfoValue, zerolog.LevelWarnValue,
		zerolog.LevelErrorValue)
	oneOf(&e, "log.format", l.Format, "json", "console")
	return e.orNil()
}

// oneOf checks a value that has few forms.
func oneOf[T ~string](e *Errors, field string, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	e.add(field, "must be one of %s", strings.Join(names, ", "))
}
