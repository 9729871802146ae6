package config

import (
	"time"

	"gateway-billing.internal/consumer/internal/redact"
)

// Config is the whole configuration. Each member is one part: a section of the file.
type Config struct {
	// RocketMQ says which messages are read and how many are held in memory.
	RocketMQ RocketMQ `yaml:"rocketmq"`
	// MySQL is the database that holds the ledger.
	MySQL MySQL `yaml:"mysql"`
	// Batch limits what is written in one transaction.
	Batch Batch `yaml:"batch"`
	// Stamp says which stamps of the runner are believed.
	Stamp Stamp `yaml:"stamp"`
	// Idempotency says when a repeated order is billed once.
	Idempotency Idempotency `yaml:"idempotency"`
	// Body says what the ledger keeps of each log entry.
	Body Body `yaml:"body"`
	// Retention says how long what is not needed for billing is kept.
	Retention Retention `yaml:"retention"`
	// Routes says what holds per route: provider, meters, what is billable, estimates.
	Routes Routes `yaml:"routes"`
	// HTTP is the server for health, readiness and metrics.
	HTTP HTTP `yaml:"http"`
	// API is the HTTP API for those who take over usage. It is off without an address.
	API API `yaml:"api"`
	// Log says what is logged to standard error.
	Log Log `yaml:"log"`
	// MemoryMiB is about how much memory the process takes at most; the environment variable GOMEMLIMIT goes before it. What
	// is held is bounded by the part rocketmq, this bounds how much garbage may lie beside it.
	MemoryMiB int `yaml:"memory_mib"`
	// DrainLimit is how long a stopping consumer finishes what is in flight before it leaves the
	// rest to the next one.
	DrainLimit time.Duration `yaml:"drain_limit"`
}

// RocketMQ is the part `rocketmq`.
type RocketMQ struct {
	// NameServers are the addresses (host:port) of the name servers; required.
	NameServers []string `yaml:"name_servers"`
	// Topic is the topic that APISIX's rocketmq-logger sends to; required.
	Topic string `yaml:"topic"`
	// Tag is the tag expression that messages must match: `*`, or tags joined by ` || `.
	Tag string `yaml:"tag"`
	// Group is the consumer group. Its offsets are the broker's memory of what was read; required.
	Group string `yaml:"group"`
	// AccessKey and SecretKey are the credentials where the broker checks permissions: both or neither.
	AccessKey Secret `yaml:"access_key"`
	// SecretKey belongs to AccessKey.
	SecretKey Secret `yaml:"secret_key"`
	// SecurityToken goes with temporary credentials.
	SecurityToken Secret `yaml:"security_token"`
	// AccessKeyFile is a file that holds AccessKey, instead of it.
	AccessKeyFile string `yaml:"access_key_file"`
	// SecretKeyFile is a file that holds SecretKey, instead of it.
	SecretKeyFile string `yaml:"secret_key_file"`
	// SecurityTokenFile is a file that holds SecurityToken, instead of it.
	SecurityTokenFile string `yaml:"security_token_file"`
	// Concurrency is how many messages are worked on at once; the others wait in memory.
	Concurrency int `yaml:"concurrency"`
	// PullBatch is how many messages one pull asks for.
	PullBatch int `yaml:"pull_batch"`
	// Start is where a group that has no offsets yet begins: `first`, `last` or an RFC 3339 time.
	Start Start `yaml:"start"`
	// QueueMessages is how many messages of one queue are held in memory before pulling pauses.
	QueueMessages int `yaml:"queue_messages"`
	// BufferMiB is how many MiB of message bodies are held in memory, over all queues. Half of it may be worked on at once.
	BufferMiB int `yaml:"buffer_mib"`
	// OnFailure says what becomes of a message that the consumer itself fails on (an error of its own outside any entry):
	// `hold` keeps it until a restart, `reconsume` gives it back to the broker. An outage is no such failure: whatever this
	// says, it never spends a redelivery.
	OnFailure string `yaml:"on_failure"`
	// MaxReconsumeTimes is how often a message is given back before the broker puts it into the group's DLQ.
	MaxReconsumeTimes int `yaml:"max_reconsume_times"`
	// DLQ says whether the group's DLQ is taken in as well: what earlier consumers of the group sent back too often.
	DLQ bool `yaml:"dlq"`
	// DLQGroup is the consumer group that reads the DLQ, empty for the group's name with -dlq behind it.
	DLQGroup string `yaml:"dlq_group"`
	// ConsumeTimeout is for tests only: after it the RocketMQ client sends a held message back to the broker, which a
	// consumer that must not lose messages never wants. 0 means never.
	ConsumeTimeout time.Duration `yaml:"consume_timeout"`
}

// MySQL is the part `mysql`.
type MySQL struct {
	// DSN says where the database is, as user:password@tcp(host:port)/database in the form of go-sql-driver/mysql; required.
	DSN Secret `yaml:"dsn"`
	// DSNFile is a file that holds DSN, instead of it.
	DSNFile string `yaml:"dsn_file"`
	// Password is the password of the DSN's user, where DSN has none: user@tcp(host:port)/database.
	Password Secret `yaml:"password"`
	// PasswordFile is a file that holds Password, instead of it. It is read again for each new connection, so a password
	// changes without a restart.
	PasswordFile string `yaml:"password_file"`
	// TLS encrypts the connections.
	TLS MySQLTLS `yaml:"tls"`
	// MaxOpenConns bounds the connections of the flow; at least writers + 1, for the health check needs one too. With
	// api.listen the API has five more.
	MaxOpenConns int `yaml:"max_open_conns"`
	// Writers is how many transactions are written at the same time. Two keep a database busy that is near; more make smaller
	// transactions, and pay where each answer takes long.
	Writers int `yaml:"writers"`
}

// MySQLTLS is the part `mysql.tls`. Any of its values turns TLS on, and then no connection is made without it; the parameter
// `tls` of DSN must not be there beside it.
type MySQLTLS struct {
	// Enabled turns TLS on with nothing else given: the server's certificate is checked with the system's CAs.
	Enabled bool `yaml:"enabled"`
	// CAFile is a file with the CAs (PEM) that the server's certificate must come from; empty for the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile is a file with the client's certificate (PEM), for servers that ask for one. It is read again with KeyFile for
	// each new connection, so certificates change without a restart.
	CertFile string `yaml:"cert_file"`
	// KeyFile is a file with the key of CertFile (PEM).
	KeyFile string `yaml:"key_file"`
	// ServerName is the name that the server's certificate must bear; empty for the host of DSN.
	ServerName string `yaml:"server_name"`
	// MinVersion is the lowest version of TLS: `1.2` or `1.3`.
	MinVersion string `yaml:"min_version"`
}

// Batch is the part `batch`: how much is written at once.
type Batch struct {
	// MaxRows is the most rows of one transaction.
	MaxRows int `yaml:"max_rows"`
	// MaxBytes is the most bytes of one statement, after escaping. It must stay below the server's max_allowed_packet.
	MaxBytes int `yaml:"max_bytes"`
	// Linger is how long a batch waits for company while another is being committed. 0 commits whatever waits at once.
	Linger time.Duration `yaml:"linger"`
}

// Stamp is the part `stamp`. Its keys are the runner's, under the same environment variables.
type Stamp struct {
	// Keys are the secrets that open sealed stamps: `kid:base64,kid2:base64`.
	Keys Secret `yaml:"keys"`
	// KeysFile is a file that holds the secrets; only one of keys and keys_file may be given.
	KeysFile string `yaml:"keys_file"`
	// AllowUnsealed believes stamps without a seal where no billing object of the gateway confirms them. Whoever can
	// reach the gateway can make such a stamp.
	AllowUnsealed bool `yaml:"allow_unsealed"`
	// Tolerance is how far a stamp's time may lie outside its entry's request.
	Tolerance time.Duration `yaml:"tolerance"`
	// Rules are what allow_unsealed and tolerance become from a time on, such as
	// `2026-12-01T00:00:00Z tolerance=2s allow_unsealed=false`, in the order of their times. They judge an entry by its
	// own time, so an old one that is read again keeps its key: change rules by adding to this list.
	Rules []string `yaml:"rules"`
}

// Idempotency is the part `idempotency`: requests of one APISIX consumer on one route that carry the same idempotency key
// are one order, and one of them is billed.
type Idempotency struct {
	// Window is how far two requests may lie apart to be one order.
	Window time.Duration `yaml:"window"`
	// AbsorbTokens lets a repeat go unbilled also where it consumed tokens of its own, which the provider charges.
	AbsorbTokens bool `yaml:"absorb_tokens"`
}

// Body is the part `body`.
type Body struct {
	// Policy is `redacted` (without credentials), `full` or `none`.
	Policy redact.Policy `yaml:"policy"`
	// RedactHeaders are header names that are redacted beside authorization, cookie, apikey and the like.
	RedactHeaders []string `yaml:"redact_headers"`
	// RedactQuery are query parameters that are redacted beside key, api_key, apikey, token and access_token.
	RedactQuery []string `yaml:"redact_query"`
	// RedactJSON are paths to values of an entry, such as `$.request.body` or `$.response.body.choices[*].message.content`.
	// A path leads into a body that is a JSON document; another body on its way, such as an event stream, is masked whole.
	RedactJSON []string `yaml:"redact_json"`
}

// Retention is the part `retention`: what `run` prunes by and by, and `prune` at once. Records themselves are pruned by
// `prune --ledger` alone.
type Retention struct {
	// Bodies is after how long the body of a record is emptied; the record stays.
	Bodies Age `yaml:"bodies"`
	// DeadLetters is after how long a dead letter is deleted that was redriven or discarded. One that is pending stays.
	DeadLetters Age `yaml:"dead_letters"`
}

// HTTP is the part `http`.
type HTTP struct {
	// Listen is the address (host:port) of /healthz, /readyz and /metrics. It needs no protection of its own only as
	// long as it is a loopback or otherwise private address. Port 0 takes a free one.
	Listen string `yaml:"listen"`
	// Pprof also serves Go's profiles under /debug/pprof/, on a loopback address only: they show what the process does.
	Pprof bool `yaml:"pprof"`
}

// API is the part `api`.
type API struct {
	// Listen is the address (host:port) of the API; empty for none. Port 0 takes a free one.
	Listen string `yaml:"listen"`
	// TokensFile is the file that lists who may ask for what, as `billing-consumer token` writes its lines; required for an
	// address. It is read again at SIGHUP.
	TokensFile string `yaml:"tokens_file"`
	// CertFile is a file with the server's certificate (PEM). With it the API is served over TLS; without, only on a
	// loopback address or behind a proxy that ends TLS, for tokens are sent as they are. It is read again at SIGHUP.
	CertFile string `yaml:"cert_file"`
	// KeyFile is a file with the key of CertFile (PEM).
	KeyFile string `yaml:"key_file"`
	// LogDelay is how long the gateway's loggers hold an entry at most: their buffer_duration and retries. complete_until is
	// that much older than what the brokers have.
	LogDelay time.Duration `yaml:"log_delay"`
	// LongestRequest is how long a request takes at most, streams included. A time is called complete when that has passed
	// too, for its last request may have begun at its end.
	LongestRequest time.Duration `yaml:"longest_request"`
	// RequestsPerSecond is how many requests a token may make; twice as many at once.
	RequestsPerSecond int `yaml:"requests_per_second"`
	// QueryLimit is how long an answer may take to begin.
	QueryLimit time.Duration `yaml:"query_limit"`
}

// Log is the part `log`.
type Log struct {
	// Level is `debug`, `info`, `warn` or `error`.
	Level string `yaml:"level"`
	// Format is `json` or `console`.
	Format string `yaml:"format"`
}

// Default is the configuration before file and environment are read: every default stands here.
func Default() Config {
	return Config{
		RocketMQ: RocketMQ{
			Tag:           "*",
			Concurrency:   512,
			PullBatch:     64,
			Start:         StartFirst,
			QueueMessages: 256,
			BufferMiB:     32,
			OnFailure:     "hold", MaxReconsumeTimes: 16,
		},
		MySQL:       MySQL{MaxOpenConns: 8, Writers: 2, TLS: MySQLTLS{MinVersion: "1.2"}},
		Batch:       Batch{MaxRows: 500, MaxBytes: 4 << 20, Linger: 5 * time.Millisecond},
		Stamp:       Stamp{Tolerance: time.Second},
		Idempotency: Idempotency{Window: 24 * time.Hour},
		Body:        Body{Policy: redact.Redacted},
		HTTP:        HTTP{Listen: "127.0.0.1:9464"},
		API:         API{LogDelay: 5 * time.Minute, LongestRequest: 10 * time.Minute, RequestsPerSecond: 20, QueryLimit: 30 * time.Second},
		Log:         Log{Level: "info", Format: "json"},
		MemoryMiB:   256,
		DrainLimit:  30 * time.Second,
	}
}
