package check_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/check"
	"gateway-billing.internal/shared/testkit/stack"
)

// What concerns a whole database server is broken on one of its own, that speaks TLS: one thing after the other.
func TestDatabaseServer(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.pair("server")
	db := stack.StartDatabase(t, "--ssl-ca="+ca.file, "--ssl-cert="+cert, "--ssl-key="+key)
	clientCert, clientKey := ca.pair("client")
	strangers := newAuthority(t)

	for _, tt := range []struct {
		name   string
		breaks func(t *testing.T, s *setup)
		want   []want
		fine   []string
	}{
		{
			"encrypted, by its own CA", func(_ *testing.T, s *setup) { s.environ["MYSQL_TLS_CA_FILE"] = ca.file }, nil,
			[]string{"database.encryption"},
		},
		{
			"a CA that did not sign the server's certificate", func(_ *testing.T, s *setup) { s.environ["MYSQL_TLS_CA_FILE"] = strangers.file },
			[]want{{check.Error, "database", "unknown authority", "mysql.tls.ca_file"}}, nil,
		},
		{
			"a certificate of another name",
			func(_ *testing.T, s *setup) {
				s.environ["MYSQL_TLS_CA_FILE"], s.environ["MYSQL_TLS_SERVER_NAME"] = ca.file, "db.example.org"
			},
			[]want{{check.Error, "database", "db.example.org", "mysql.tls.server_name"}}, nil,
		},
		{
			"a user that needs a client certificate",
			func(t *testing.T, s *setup) {
				s.environ["MYSQL_DSN"] = s.as(t, "check_x509", "p", "SELECT, INSERT, UPDATE, DELETE ON {db}.*")
				s.exec(t, "ALTER USER 'check_x509'@'127.0.0.1' REQUIRE X509")
				s.environ["MYSQL_TLS_CA_FILE"] = ca.file
			},
			[]want{{check.Error, "database", "Access denied", "mysql.tls.cert_file"}}, nil,
		},
		{
			"and has one",
			func(t *testing.T, s *setup) {
				s.environ["MYSQL_DSN"] = s.as(t, "check_cert", "p", "SELECT, INSERT, UPDATE, DELETE ON {db}.*")
				s.exec(t, "ALTER USER 'check_cert'@'127.0.0.1' REQUIRE X509")
				s.environ["MYSQL_TLS_CA_FILE"], s.environ["MYSQL_TLS_CERT_FILE"], s.environ["MYSQL_TLS_KEY_FILE"] = ca.file, clientCert, clientKey
			},
			nil, []string{"database.encryption", "database.rights"},
		},
		{
			"a plain connection where the server wants none",
			func(t *testing.T, s *setup) { s.set(t, "require_secure_transport", "ON", "OFF") },
			[]want{{check.Error, "database", "", "mysql.tls.enabled"}}, nil,
		},
		{
			"a replica",
			func(t *testing.T, s *setup) { s.set(t, "read_only", "ON", "OFF") },
			[]want{{check.Error, "database.mode", "read_only is on", "primary"}}, nil,
		},
		{
			"packets too small for large entries",
			func(t *testing.T, s *setup) { s.set(t, "max_allowed_packet", "1048576", "16777216") },
			[]want{{check.Warning, "database.max_allowed_packet", "1048576 bytes", "max_allowed_packet"}}, nil,
		},
		{
			"commits that are not flushed",
			func(t *testing.T, s *setup) { s.set(t, "innodb_flush_log_at_trx_commit", "2", "1") },
			[]want{{check.Warning, "database.durability", "loses records", "innodb_flush_log_at_trx_commit = 1"}}, nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, stack.Shared(t).RocketMQ, db)
			s.environ["MYSQL_DSN"] = s.as(t, "check_plain", "p", "SELECT, INSERT, UPDATE, DELETE ON {db}.*")
			tt.breaks(t, s)
			lines := s.lines(t)
			expect(t, lines, tt.want...)
			expectOK(t, lines, tt.fine...)
		})
	}
}

// set sets a variable of the server until the test ends, on one connection: the server may take no other meanwhile.
func (s *setup) set(t *testing.T, name, value, back string) {
	t.Helper()
	db, err := sql.Open("mysql", s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	set := func(ctx context.Context, value string) {
		t.Helper()
		if _, err := conn.ExecContext(ctx, "SET GLOBAL "+name+" = "+value); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { set(context.Background(), back) })
	set(t.Context(), value)
}

// A broker that lets only those in whom it knows: what it refuses is found, with the cure, and the secret is never shown.
func TestBrokerWithACL(t *testing.T) {
	t.Parallel()
	mq := stack.StartRocketMQ(t, stack.RocketMQOptions{
		AccessKey: "admin", SecretKey: "admin-secret", BrokerConfig: stack.AccessControl("admin", "admin-secret"),
	})
	s := newSetup(t, mq, stack.Shared(t).Database)
	for user, resources := range map[string][]string{
		"reader": {"Topic:" + s.topic, "Group:" + s.group}, "topic-only": {"Topic:" + s.topic}, "group-only": {"Group:" + s.group},
	} {
		if err := mq.AddUser(t.Context(), user, "user-secret", resources...); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, access, secret string
		want                 []want
	}{
		{"the rights that it needs", "reader", "user-secret", nil},
		{"no credentials", "", "", []want{{check.Error, "broker", "refuses", "rocketmq.access_key"}}},
		{"a wrong secret", "reader", "wrong-secret", []want{{check.Error, "broker", "refuses", "correct rocketmq.access_key"}}},
		{"an unknown user", "nobody", "user-secret", []want{{check.Error, "broker", "refuses", "correct rocketmq.access_key"}}},
		{"no right on the group", "topic-only", "user-secret", []want{{check.Error, "broker", "refuses", "group " + s.group}}},
		{"no right on the topic", "group-only", "user-secret", []want{{check.Error, "broker", "refuses", "topic " + s.topic}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.environ["ROCKETMQ_ACCESS_KEY"] = tt.access
			s.environ["ROCKETMQ_SECRET_KEY_FILE"] = ""
			if tt.secret != "" {
				s.environ["ROCKETMQ_SECRET_KEY_FILE"] = secretFile(t, "secret", tt.secret, 0o600)
			}
			lines := s.lines(t)
			expect(t, lines, tt.want...)
			for _, l := range lines {
				if strings.Contains(l.Detail+l.Cure, "-secret") || tt.access != "" && strings.Contains(l.Detail, "User:"+tt.access) {
					t.Errorf("shows a secret: %+v", l)
				}
			}
		})
	}
}
