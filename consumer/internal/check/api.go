package check

import (
	"crypto/tls"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/config"
)

// httpAPI looks at who is let in to the API, and whether their tokens are sent in secret.
func httpAPI(r *report, cfg config.API) {
	switch tokens, err := apitoken.ReadFile(cfg.TokensFile); {
	case err != nil:
		r.fail("api.tokens", "mend the file that api.tokens_file names; `billing-consumer token` makes its lines", "%s", err)
	case tokens.Len() == 0:
		r.warn("api.tokens", "`billing-consumer token` makes one, and the lines for it", "%s lists none: nobody is let in", cfg.TokensFile)
	default:
		r.ok("api.tokens", "%s: %d", cfg.TokensFile, tokens.Len())
	}
	const encryption = "api.encryption"
	if cfg.CertFile == "" {
		if config.Loopback(cfg.Listen) {
			r.ok(encryption, "none, on an address of this machine alone")
		} else {
			r.warn(encryption, "name a certificate in api.cert_file, or let a proxy that ends TLS stand before it",
				"none, on an address that others reach: whoever reads along has the tokens")
		}
		return
	}
	const cure = "put a certificate and its key into the files that api.cert_file and api.key_file name, and send SIGHUP to who serves it"
	cert, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
	switch now := time.Now(); {
	case err != nil:
		r.fail(encryption, cure, "%s", err)
	case now.After(cert.Leaf.NotAfter):
		r.warn(encryption, cure, "%s: expired at %s", cfg.CertFile, cert.Leaf.NotAfter.Format(time.RFC3339))
	case now.Before(cert.Leaf.NotBefore):
		r.warn(encryption, cure, "%s: not valid before %s", cfg.CertFile, cert.Leaf.NotBefore.Format(time.RFC3339))
	default:
		r.ok(encryption, "%s: valid until %s", cfg.CertFile, cert.Leaf.NotAfter.Format(time.RFC3339))
	}
}
