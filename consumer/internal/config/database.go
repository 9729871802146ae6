package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/go-sql-driver/mysql"
)

// Options are what the driver is told beside the DSN of a part that is valid: the password, TLS. A file that holds one of
// them is read again for each new connection; where that fails, no connection is made, as in an outage.
func (m MySQL) Options() (options []mysql.Option) {
	if m.Password != "" || m.PasswordFile != "" {
		options = append(options, mysql.BeforeConnect(func(_ context.Context, cfg *mysql.Config) error {
			cfg.Passwd = m.Password.Reveal()
			if m.PasswordFile == "" {
				return nil
			}
			password, err := readSecret(m.PasswordFile)
			if err != nil {
				return fmt.Errorf("mysql.password_file: %w", err)
			}
			cfg.Passwd = password
			return nil
		}))
	}
	if m.TLS.on() {
		options = append(options, func(cfg *mysql.Config) (err error) {
			cfg.TLS, err = m.TLS.config()
			return err
		})
	}
	return options
}

func (m MySQL) passwordProblem() string {
	if m.Password == "" {
		return ""
	}
	if parsed, err := mysql.ParseDSN(m.DSN.Reveal()); err == nil && parsed.Passwd != "" {
		return "is given twice, here and in mysql.dsn: keep one"
	}
	return ""
}

// on says whether anything of the part is given.
func (t MySQLTLS) on() bool {
	return t.Enabled || t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || t.ServerName != ""
}

// tlsErrors checks the part `tls`. It reads the files that are named.
func (m MySQL) tlsErrors() (e Errors) {
	t := m.TLS
	oneOf(&e, "mysql.tls.min_version", t.MinVersion, "1.2", "1.3")
	if !t.on() {
		return e
	}
	if parsed, err := mysql.ParseDSN(m.DSN.Reveal()); err == nil && parsed.TLSConfig != "" {
		e.add("mysql.tls", "is given twice, here and as the parameter tls of mysql.dsn: keep one")
	}
	switch {
	case t.CertFile != "" && t.KeyFile == "":
		e.add("mysql.tls.key_file", "is required beside mysql.tls.cert_file")
	case t.CertFile == "" && t.KeyFile != "":
		e.add("mysql.tls.cert_file", "is required beside mysql.tls.key_file")
	case t.CertFile != "":
		if _, err := t.clientCertificate(); err != nil {
			e.add("mysql.tls.cert_file", "%s", err)
		}
	}
	if _, err := t.authorities(); err != nil {
		e.add("mysql.tls.ca_file", "%s", err)
	}
	return e
}

// config is the part for the library. The name of the server is the DSN's host unless it is given.
func (t MySQLTLS) config() (*tls.Config, error) {
	authorities, err := t.authorities()
	if err != nil {
		return nil, fmt.Errorf("mysql.tls.ca_file: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities, ServerName: t.ServerName}
	if t.MinVersion == "1.3" {
		config.MinVersion = tls.VersionTLS13
	}
	if t.CertFile != "" {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.clientCertificate() }
	}
	return config, nil
}

// authorities are the CAs of the file, nil for the system's.
func (t MySQLTLS) authorities() (*x509.CertPool, error) {
	if t.CAFile == "" {
		return nil, nil //nolint:nilnil // nil is what means the system's
	}
	text, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("holds no certificate in PEM")
	}
	return pool, nil
}

func (t MySQLTLS) clientCertificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("with mysql.tls.key_file: %w", err)
	}
	return &pair, nil
}
