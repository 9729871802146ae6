package traffic

import (
	"crypto/rand"
	"encoding/base64"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"gateway-billing.internal/shared/billingkey"
)

// KeyID is the key ID of the run's one real secret; forgers use it too.
const KeyID = "chaos"

// forger makes stamps without knowing the secret.
type forger struct {
	random        *mathrand.Rand
	same, unknown *billingkey.Sealer
}

func newForger(random *mathrand.Rand) (*forger, error) {
	f := &forger{random: random}
	for kid, sealer := range map[string]**billingkey.Sealer{KeyID: &f.same, "other": &f.unknown} {
		keys, err := billingkey.ParseKeys(kid + ":" + base64.StdEncoding.EncodeToString([]byte(rand.Text()+rand.Text())))
		if err != nil {
			return nil, err
		}
		if *sealer, err = billingkey.NewSealer(keys, billingkey.NewEpoch(time.Now(), random.Uint64()), rand.Reader); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// stamp is a forged one, and the key state that says so. real may be altered for it.
func (f *forger) stamp(real string) (text, state string) {
	switch f.random.IntN(4) {
	case 0:
		return f.seal(f.unknown), "unknown_key"
	case 1:
		if strings.HasPrefix(real, "v1."+KeyID+".") && len(real) > 80 {
			altered := []byte(real)
			for _, i := range []int{60, 61, 62} {
				altered[i] ^= 1
			}
			if text := string(altered); text != real && isBase64URL(text[len("v1."+KeyID+"."):]) {
				return text, "forged"
			}
		}
		return f.seal(f.same), "forged"
	case 2:
		return "v1.garbage", "malformed"
	default:
		return f.seal(f.same), "forged"
	}
}

func isBase64URL(s string) bool {
	_, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil
}

func (f *forger) seal(sealer *billingkey.Sealer) string {
	var id billingkey.RequestID
	for i := range id {
		id[i] = byte(f.random.Uint32())
	}
	text, err := sealer.Seal(billingkey.Stamp{
		RequestID: id, IDSource: billingkey.IDFromVar, Consumer: "alice", Time: time.Now(), Runner: "forger",
	})
	if err != nil {
		panic(err) // nothing in it can be out of bounds
	}
	return text
}
