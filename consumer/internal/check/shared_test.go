package check_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/check"
	"gateway-billing.internal/consumer/internal/source"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/stack"
)

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	s := newSetup(t, stack.Shared(t).RocketMQ, stack.Shared(t).Database)
	s.environ["MYSQL_DSN"] = s.as(t, "check_run", "secret", "SELECT, INSERT, UPDATE ON {db}.*;DELETE ON {db}.stamp_seen;DELETE ON {db}.usage_delta")
	s.member(t, s.group, s.topic, " * ")
	lines := s.lines(t)
	expect(t, lines)
	expectOK(t, lines, "configuration", "secrets.stamp_keys", "secrets.file", "name_server", "topic", "broker", "broker.clock", "retry_topic",
		"dlq", "members", "database", "database.version", "database.mode", "database.session", "database.max_allowed_packet",
		"database.durability", "database.rights", "database.schema", "database.clock", "database.encryption")
	said := map[string]string{"topic": s.topic + ": 2 queues on 1 broker", "members": "group " + s.group + ": 1 member now, reading as this one would"}
	for _, l := range lines {
		if want := said[l.Check]; want != "" && l.Detail != want {
			t.Errorf("%s: %s, want %s", l.Check, l.Detail, want)
		}
		if strings.Contains(l.Detail+l.Cure, "secret") && l.Check != "database" && l.Check != "secrets.file" || strings.Contains(l.Detail, key("k1")[3:]) {
			t.Errorf("shows a secret: %+v", l)
		}
	}
}

// Each breaks one thing: that is found, with its cure, and nothing else.
func TestBroken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		breaks func(t *testing.T, s *setup)
		want   []want
	}{
		"a value of the configuration": {
			func(_ *testing.T, s *setup) { s.environ["DRAIN_LIMIT"] = "1h" },
			[]want{{check.Error, "configuration", "drain_limit", "CONFIG.md"}},
		},
		"a misspelt variable": {
			func(_ *testing.T, s *setup) { s.environ["ROCKETMQ_TOPIK"] = "t" },
			[]want{{check.Warning, "configuration", "BILLING_ROCKETMQ_TOPIK", "its name"}},
		},
		"no stamp keys": {
			func(_ *testing.T, s *setup) { delete(s.environ, "STAMP_KEYS_FILE") },
			[]want{{check.Warning, "secrets.stamp_keys", "there are none", "stamp.keys_file"}},
		},
		"only retired stamp keys": {
			func(t *testing.T, s *setup) {
				s.environ["STAMP_KEYS_FILE"] = secretFile(t, "keys", key("old")+"@2020-01-01T00:00:00Z", 0o600)
			},
			[]want{{check.Warning, "secrets.stamp_keys", "all are retired", "add a new key"}},
		},
		"stamp keys that can't be read": {
			func(t *testing.T, s *setup) {
				s.environ["STAMP_KEYS_FILE"] = secretFile(t, "keys", "k1:not-base64", 0o600)
			},
			[]want{{check.Error, "configuration", "stamp.keys_file", "CONFIG.md"}},
		},
		"stamp keys that everybody can read": {
			func(t *testing.T, s *setup) { s.environ["STAMP_KEYS_FILE"] = secretFile(t, "keys", key("k1"), 0o644) },
			[]want{{check.Warning, "secrets.file", "0644: others can read it, or its group can change it", "chmod 600"}},
		},
		"a configuration file with a password that everybody can read": {
			func(t *testing.T, s *setup) {
				s.file = secretFile(t, "consumer.yaml", "mysql:\n  dsn: "+s.dsn, 0o664)
				delete(s.environ, "MYSQL_DSN")
			},
			[]want{{check.Warning, "secrets.file", "consumer.yaml", "chmod 600"}},
		},
		"one of two name servers away": {
			func(t *testing.T, s *setup) {
				s.environ["ROCKETMQ_NAME_SERVERS"] = nobody(t) + "," + s.mq.NameServer.Addr()
			},
			[]want{{check.Warning, "name_server", "connection refused", "start it"}},
		},
		"all name servers away": {
			func(t *testing.T, s *setup) { s.environ["ROCKETMQ_NAME_SERVERS"] = nobody(t) },
			[]want{{check.Error, "name_server", "connection refused", "start it"}},
		},
		"no such topic": {
			func(_ *testing.T, s *setup) { s.environ["ROCKETMQ_TOPIC"] = s.topic + "-2" },
			[]want{{check.Error, "topic", "no name server knows", "mqadmin updateTopic"}},
		},
		"a topic that nobody may read": {
			func(t *testing.T, s *setup) { s.createTopic(t, s.topic, stack.WriteOnly) },
			[]want{{check.Error, "topic", "lets nobody read", "updateTopicPerm"}},
		},
		"a topic that nobody may write to": {
			func(t *testing.T, s *setup) { s.createTopic(t, s.topic, stack.ReadOnly) },
			[]want{{check.Warning, "topic", "the gateway can't send", "-p 6"}},
		},
		"a retry topic that nobody may write to": {
			func(t *testing.T, s *setup) {
				s.environ["ROCKETMQ_ON_FAILURE"], s.environ["ROCKETMQ_DLQ"] = "reconsume", "true"
				s.createTopic(t, stack.RetryTopic(s.group), stack.ReadOnly)
			},
			[]want{{check.Error, "retry_topic", "lets nobody write", "on_failure to hold"}},
		},
		"a group without retry queues": {
			func(t *testing.T, s *setup) {
				s.environ["ROCKETMQ_ON_FAILURE"], s.environ["ROCKETMQ_DLQ"] = "reconsume", "true"
				if err := s.mq.ConfigureGroup(t.Context(), s.group, 0); err != nil {
					t.Fatal(err)
				}
			},
			[]want{{check.Error, "retry_topic", "would be dropped", "updateSubGroup"}},
		},
		"a retry topic that nobody may read": {
			func(t *testing.T, s *setup) { s.createTopic(t, stack.RetryTopic(s.group), stack.WriteOnly) },
			[]want{{check.Warning, "retry_topic", "what earlier members gave back", "-p 6"}},
		},
		"a DLQ that nobody may read": {
			func(t *testing.T, s *setup) {
				s.environ["ROCKETMQ_DLQ"] = "true"
				s.createTopic(t, source.DLQ(s.group), stack.WriteOnly)
			},
			[]want{{check.Error, "dlq", "lets nobody read", "-p 6"}},
		},
		"a DLQ with messages that nobody takes in": {
			func(t *testing.T, s *setup) {
				s.createTopic(t, source.DLQ(s.group), stack.ReadWrite)
				s.send(t, source.DLQ(s.group))
			},
			[]want{{check.Warning, "dlq", "1 message in ", "rocketmq.dlq"}},
		},
		"a member of the group with another tag": {
			func(t *testing.T, s *setup) { s.member(t, s.group, s.topic, "a || b") },
			[]want{{check.Error, "members", "messages are skipped", "another rocketmq.group"}},
		},
		"a member of the group with another topic": {
			func(t *testing.T, s *setup) { s.member(t, s.group, s.mq.NewTopic(t, 1), "*") },
			[]want{{check.Error, "members", "read topic", "another rocketmq.group"}},
		},
		"a database that is away": {
			func(t *testing.T, s *setup) { s.environ["MYSQL_DSN"] = "u:p@tcp(" + nobody(t) + ")/b" },
			[]want{{check.Error, "database", "connection refused", "start it"}},
		},
		"a wrong password": {
			func(t *testing.T, s *setup) {
				s.environ["MYSQL_DSN"] = strings.Replace(s.as(t, "check_wrong", "right-word", "SELECT ON {db}.*"), "right-word", "other-word", 1)
			},
			[]want{{check.Error, "database", "Access denied", "mysql.password_file"}},
		},
		"a database that does not exist": {
			func(_ *testing.T, s *setup) { s.environ["MYSQL_DSN"] = strings.Replace(s.dsn, "/", "/no_", 1) },
			[]want{{check.Error, "database", "Unknown database", "CREATE DATABASE"}},
		},
		"a user without rights on the database": {
			func(t *testing.T, s *setup) { s.environ["MYSQL_DSN"] = s.as(t, "check_none", "p", "USAGE ON *.*") },
			[]want{{check.Error, "database", "Access denied", "GRANT"}},
		},
		"a user that may not delete what is folded": {
			func(t *testing.T, s *setup) {
				s.environ["MYSQL_DSN"] = s.as(t, "check_few", "p", "SELECT, UPDATE ON {db}.*;INSERT ON {db}.mq_consume_log;DELETE ON {db}.stamp_seen")
			},
			[]want{{check.Error, "database.rights", "DELETE on usage_delta", "GRANT"}},
		},
		"a user that may not prune": {
			func(t *testing.T, s *setup) {
				s.environ["RETENTION_DEAD_LETTERS"] = "90d"
				s.environ["MYSQL_DSN"] = s.as(t, "check_prune", "p", "SELECT, INSERT, UPDATE ON {db}.*;DELETE ON {db}.stamp_seen;DELETE ON {db}.usage_delta")
			},
			[]want{{check.Error, "database.rights", "DELETE on dead_letter_audit", "GRANT"}},
		},
		"no tables": {
			func(t *testing.T, s *setup) { s.environ["MYSQL_DSN"] = s.db.NewDatabase(t) },
			[]want{{check.Error, "database.schema", "version 0", "migrate up"}},
		},
		"another unique key on the ledger": {
			func(t *testing.T, s *setup) {
				s.exec(t, "CREATE UNIQUE INDEX mine ON mq_consume_log (msg_id, entry_index)")
			},
			[]want{{check.Error, "database.schema", "mine is unique", "migrate validate"}},
		},
		"a column of another collation": {
			func(t *testing.T, s *setup) {
				s.exec(t, "ALTER TABLE usage_hourly MODIFY consumer VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL")
			},
			[]want{{check.Error, "database.schema", "utf8mb4_general_ci", "migrate validate"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t, stack.Shared(t).RocketMQ, stack.Shared(t).Database)
			tt.breaks(t, s)
			lines := s.lines(t)
			expect(t, lines, tt.want...)
			for _, l := range lines {
				if strings.Contains(l.Detail+l.Cure, "-word") {
					t.Errorf("shows a password: %+v", l)
				}
			}
		})
	}
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *setup) createTopic(t *testing.T, topic string, permission stack.Permission) {
	t.Helper()
	if err := s.mq.CreateTopic(t.Context(), topic, 1, permission); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.mq.DeleteTopic(context.Background(), topic) })
}

func (s *setup) send(t *testing.T, topic string) {
	t.Helper()
	producer, err := rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: s.mq.NameServers()})
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.Send(t.Context(), rocketlog.Message{Topic: topic, Body: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
}

// member runs a member of a group until the test ends.
func (s *setup) member(t *testing.T, group, topic, tag string) {
	t.Helper()
	member, err := source.New(source.Options{NameServers: s.mq.NameServers(), Topic: topic, Group: group, Tag: tag, StateInterval: 100 * time.Millisecond},
		func(context.Context, []source.Message) []error { return nil }, zerolog.Nop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = member.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	for end := time.Now().Add(30 * time.Second); !member.State().Ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the member is not ready: %v", member.State().Reasons)
		}
	}
}

// A configuration that can't be read at all is one error, and nothing else is looked at.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	s := &setup{environ: map[string]string{}, file: filepath.Join(t.TempDir(), "consumer.yaml")}
	if err := os.WriteFile(s.file, []byte("rocketmq: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, l := range s.lines(t) {
		if l.Check != "configuration" || l.Status != check.Error {
			t.Errorf("%+v", l)
		}
	}
}
