package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
)

// Database checks the database that the ledger is in.
func Database(ctx context.Context, cfg config.Config) []Line {
	r := &report{}
	facts, err := ledger.Examine(ctx, cfg.MySQL.DSN.Reveal(), cfg.Retention.DeadLetters > 0, cfg.MySQL.Options()...)
	if err != nil {
		r.fail("database", unreachableCure(err), "%s", inWords(err))
		return r.lines
	}
	r.ok("database", "answers as user %s", facts.User)
	judge(r, facts, cfg)
	encryption(ctx, r, facts, cfg.MySQL)
	return r.lines
}

// unreachableCure says what helps against an error of connecting.
func unreachableCure(err error) string {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch e.Number {
		case 1044:
			return "GRANT SELECT, INSERT, UPDATE, DELETE on this database to the user"
		case 1045, 1698:
			return "correct user and password in mysql.dsn or mysql.password_file; where the user is created with REQUIRE X509, give mysql.tls.cert_file and key_file"
		case 1049:
			return "CREATE DATABASE, then `billing-consumer migrate up`; or correct the name in mysql.dsn"
		case 1040, 1203, 1226:
			return "raise max_connections or the user's limit, or lower mysql.max_open_conns"
		case 3159:
			return "the server takes encrypted connections only: set mysql.tls.enabled, and mysql.tls.ca_file where its certificate comes from a CA of your own"
		}
		return "look at the server's error"
	}
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, badName := errors.AsType[x509.HostnameError](err)
	_, failed := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	switch {
	case unknown:
		return "mysql.tls.ca_file must hold the CA that signed the server's certificate; if it does, someone else answers at this address"
	case badName:
		return "set mysql.tls.server_name to a name in the server's certificate"
	case failed, alert:
		return "look at the server's certificate, and at mysql.tls"
	case errors.Is(err, mysql.ErrNoTLS):
		return "turn TLS on at the server (ssl_cert, ssl_key), or take mysql.tls away"
	}
	return "start it, or correct the address in mysql.dsn; look whether a firewall is between"
}

// encryption warns of a connection that others on the way can read.
func encryption(ctx context.Context, r *report, f ledger.Facts, cfg config.MySQL) {
	const check = "database.encryption"
	dsn, err := mysql.ParseDSN(cfg.DSN.Reveal())
	switch {
	case f.Cipher != "":
		r.ok(check, "%s", f.Cipher)
	case err == nil && (dsn.Net == "unix" || isLoopback(ctx, dsn.Addr)):
		r.ok(check, "none, and the connection does not leave this machine")
	default:
		r.warn(check, "set mysql.tls.enabled or mysql.tls.ca_file", "none: whoever is between this machine and the database can read and change what is billed")
	}
}

// isLoopback says whether all addresses of host:port are this machine's own.
func isLoopback(ctx context.Context, address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
		return ip.IsLoopback()
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil || len(ips) == 0 {
		return false
	}
	for _, ip := range ips {
		if !ip.IP.IsLoopback() {
			return false
		}
	}
	return true
}
