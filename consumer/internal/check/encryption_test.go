package check

import (
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
)

// Only a connection that leaves the machine is warned of. The facts are made up: the servers of the tests listen on
// loopback, so no real connection leaves.
func TestEncryption(t *testing.T) {
	for _, tt := range []struct {
		name, cipher, dsn string
		want              Status
	}{
		{"plain to another machine", "", "u:p@tcp(192.0.2.1:3306)/b", Warning},
		{"plain to another machine, IPv6", "", "u:p@tcp([2001:db8::1]:3306)/b", Warning},
		{"encrypted to another machine", "TLS_AES_256_GCM_SHA384", "u:p@tcp(192.0.2.1:3306)/b", OK},
		{"plain on this machine", "", "u:p@tcp(127.0.0.1:3306)/b", OK},
		{"plain on this machine, IPv6", "", "u:p@tcp([::1]:3306)/b", OK},
		{"a socket", "", "u:p@unix(/run/mysqld/mysqld.sock)/b", OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &report{}
			encryption(t.Context(), r, ledger.Facts{Cipher: tt.cipher}, config.MySQL{DSN: config.Secret(tt.dsn)})
			if len(r.lines) != 1 || r.lines[0].Check != "database.encryption" || r.lines[0].Status != tt.want {
				t.Fatalf("%+v", r.lines)
			}
			if tt.want == Warning && !strings.Contains(r.lines[0].Cure, "mysql.tls") {
				t.Errorf("the cure is %q", r.lines[0].Cure)
			}
		})
	}
}
