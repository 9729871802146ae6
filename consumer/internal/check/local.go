package check

import (
	"crypto/rand"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/shared/billingkey"
)

const configCure = "mend the value: consumer/CONFIG.md says what each may be, `billing-consumer config print` what each is"

func configuration(r *report, in Input) {
	for _, e := range in.Errors {
		r.fail("configuration", configCure, "%s", e)
	}
	for _, w := range in.Warnings {
		r.warn("configuration", "correct its name, or take it away", "%s", w)
	}
	if len(in.Errors) == 0 {
		r.ok("configuration", "every value can be used")
	}
}

// secrets looks at the stamp keys, and at who may read the files that secrets lie in.
func secrets(r *report, in Input) {
	if in.valid("stamp") {
		stampKeys(r, in.Config.Stamp)
	}
	if runtime.GOOS == "windows" {
		return // modes say nothing there
	}
	for _, path := range in.secretFiles() {
		info, err := os.Stat(path)
		if err != nil {
			continue // reading it gave the error already
		}
		const othersOrGroupWrites = 0o027
		if mode := info.Mode().Perm(); mode&othersOrGroupWrites != 0 {
			r.warn("secrets.file", "chmod 600 (or 640), and its owner the user that the consumer runs as",
				"%s holds a secret, and its mode is %04o: others can read it, or its group can change it", path, mode)
		} else {
			r.ok("secrets.file", "%s: mode %04o", path, mode)
		}
	}
}

// secretFiles are the files in which secrets lie: the configuration's own where it gives one, and those that it names.
func (in Input) secretFiles() (paths []string) {
	for _, v := range in.Values {
		path, isText := v.Value.(string)
		_, isSecret := v.Value.(config.Secret)
		switch {
		case isSecret && v.Set() && v.Source == config.FromFile:
			path = in.Path
		case isText && isSecretFile(v.Name):
		default:
			continue
		}
		if path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// isSecretFile tells the values that name a file with a secret from those that name one that everybody may read.
func isSecretFile(name string) bool {
	return strings.HasSuffix(name, "_file") &&
		!slices.Contains([]string{"mysql.tls.ca_file", "mysql.tls.cert_file", "api.cert_file"}, name)
}

func stampKeys(r *report, cfg config.Stamp) {
	const check = "secrets.stamp_keys"
	keys, err := cfg.KeySet()
	if err != nil {
		r.fail(check, configCure, "%s", err)
		return
	}
	if keys.Empty() {
		r.warn(check, "name the runner's file of keys in stamp.keys_file; `openssl rand -base64 32` makes a key",
			"there are none: no sealed stamp is believed, so lost entries can't be counted and idempotency keys do nothing")
		return
	}
	sealer, err := billingkey.NewSealer(keys, billingkey.Epoch{}, rand.Reader)
	if err == nil && sealer.Ready(time.Now()) != nil {
		r.warn(check, "add a new key: to the consumers first, then to the runners", "all are retired, and a runner that has only these seals nothing: %s",
			strings.Join(keys.IDs(), ", "))
		return
	}
	r.ok(check, "%s", strings.Join(keys.IDs(), ", "))
}
