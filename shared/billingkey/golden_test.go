package billingkey

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/stamps.json anew")

const goldenFile = "testdata/stamps.json"

// goldenStamp is what another implementation needs to check itself: Salt and Payload are hex, Keys is for ParseKeys.
type goldenStamp struct {
	Name    string `json:"name"`
	Keys    string `json:"keys"`
	Salt    string `json:"salt"`
	Payload string `json:"payload"`
	Text    string `json:"text"`

	seals Stamp
	opens Stamp
}

func goldenStamps() []goldenStamp {
	const salt = "000102030405060708090a0b0c0d0e0f"
	secret := testSecret(7)
	crowded := fullStamp()
	crowded.Dimensions = map[string]string{"a": strings.Repeat("x", 600), "b": strings.Repeat("y", 3000), "c": "z"}
	crowded.DimensionsCut = false
	opened := crowded
	opened.Dimensions = map[string]string{"a": crowded.Dimensions["a"], "c": "z"}
	opened.DimensionsCut = true
	early := smallStamp()
	early.Time = time.UnixMilli(1).UTC()
	return []goldenStamp{
		{Name: "plain", Salt: salt, seals: smallStamp()},
		{Name: "plain, all fields", Salt: salt, seals: fullStamp()},
		{Name: "sealed", Keys: "2026-03:" + secret, Salt: salt, seals: smallStamp()},
		{Name: "sealed, all fields", Keys: "2026-03:" + secret, Salt: salt, seals: fullStamp()},
		{Name: "sealed, a dimension left out", Keys: "K_1:" + secret, Salt: salt, seals: crowded, opens: opened},
		{Name: "sealed, by the second key", Keys: "old:" + testSecret(6) + "@2026-03-01T00:00:00Z,new:" + secret, Salt: salt, seals: smallStamp()},
		{Name: "sealed, the second ms of 1970", Keys: "k:" + secret, Salt: strings.Repeat("ff", saltLen), seals: early},
	}
}

// The format is a contract with stamps that are already in a topic or a file: it must not drift.
func TestGoldenStamps(t *testing.T) {
	stamps := goldenStamps()
	for i := range stamps {
		stamps[i].write(t)
	}
	if *update {
		out, err := json.MarshalIndent(stamps, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, append(out, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var golden []goldenStamp
	if err := json.Unmarshal(content, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) != len(stamps) {
		t.Fatalf("%s holds %d stamps, want %d", goldenFile, len(golden), len(stamps))
	}
	for i, want := range golden {
		t.Run(want.Name, func(t *testing.T) {
			got := stamps[i]
			if got.Text != want.Text || got.Payload != want.Payload {
				t.Errorf("written as\n%s\n%s\nwant\n%s\n%s", got.Payload, got.Text, want.Payload, want.Text)
			}
			state := Verified
			if want.Keys == "" {
				state = Unsealed
			}
			if opened, is := mustParseKeys(t, want.Keys).Open(want.Text); is != state || !reflect.DeepEqual(opened, got.opens) {
				t.Errorf("opens as %s\n%+v\nwant %s\n%+v", is, opened, state, got.opens)
			}
		})
	}
}

// write fills in Payload, Text and opens, as the code of today makes them.
func (g *goldenStamp) write(t *testing.T) {
	salt, err := hex.DecodeString(g.Salt)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := NewSealer(mustParseKeys(t, g.Keys), testEpoch, bytes.NewReader(salt))
	if err != nil {
		t.Fatal(err)
	}
	g.Text = mustSeal(t, sealer, g.seals)
	if g.opens.Runner == "" {
		g.opens = g.seals
	}
	g.seals.Epoch, g.seals.Sequence = testEpoch, 1
	g.opens.Epoch, g.opens.Sequence = testEpoch, 1
	g.Payload = hex.EncodeToString(appendPayload(nil, &g.seals))
}
