// Package stack owns the servers that tests, the demo and `make up` run on: a real RocketMQ (name server and broker)
// and a real MariaDB, started privately on free loopback ports with their data in a temporary directory, and made ready,
// paused, killed, restarted and removed on request. Everything comes from Maven by pom.xml and is cached per user; a MySQL,
// and a Prometheus to look at what a program shows, from Debian's archive.
//
// A test takes the servers that its package shares, and topics and databases of its own on them:
//
//	func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		s := stack.Shared(t)
//		dsn := s.Database.NewDatabase(t)
//		topic := s.RocketMQ.NewTopic(t, 4)
//		group := s.RocketMQ.NewGroup(t)
//		…
//	}
//
// A test that hurts a server starts one for itself with StartDatabase or StartRocketMQ.
//
// # Environment
//
//	BILLING_TEST_NAMESRV   name servers of a RocketMQ to use instead of a private one: host:port[;host:port]
//	BILLING_TEST_MYSQL_DSN administrative user of a server to use instead of a private MariaDB, as a DSN of
//	                       go-sql-driver/mysql without a database name: root:secret@tcp(127.0.0.1:3306)/
//	BILLING_TEST_DATABASE  kind of the private database: mariadb (default), or mysql, from Debian's archive
//	BILLING_TEST_MYSQL_CLIENT set for a command that runs on a private stack: the path of MariaDB's command-line client
//	BILLING_TEST_CACHE     directory for downloads (default: gateway-billing in the user's cache directory)
//	BILLING_TEST_STATE     state file of a stack that `stack up` left running (default: the one of `make up`)
//	JAVA_HOME, MAVEN_HOME  the Java and the Maven to use
package stack

import _ "embed"

// The variables that bring a server from outside.
const (
	NameServerEnv = "BILLING_TEST_NAMESRV"
	DatabaseEnv   = "BILLING_TEST_MYSQL_DSN"
	// KindEnv is the kind of a private database.
	KindEnv = "BILLING_TEST_DATABASE"
	// ClientEnv tells a command on a private stack where a command-line client for the database is.
	ClientEnv = "BILLING_TEST_MYSQL_CLIENT"
)

//go:embed pom.xml
var pom []byte
