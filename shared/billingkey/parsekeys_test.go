package billingkey

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseKeysKeepsTheOrder(t *testing.T) {
	a, b, c := testSecret(1), testSecret(2), testSecret(3)
	for name, text := range map[string]string{
		"commas":          "a:" + a + ",b-2:" + b + ",C_3:" + c,
		"lines":           "a:" + a + "\nb-2:" + b + "\nC_3:" + c + "\n",
		"windows lines":   "a:" + a + "\r\nb-2:" + b + "\r\nC_3:" + c + "\r\n",
		"blanks, remarks": "# the keys, newest first\n\n a : " + a + " , # b:x,\n b-2:" + b + ",\n\tC_3:" + c + " @ 2026-01-02T03:04:05+02:00 #",
	} {
		keys, err := ParseKeys(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := keys.String(); got != "stamp keys [a b-2 C_3]" || keys.Empty() {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, empty := range []string{"", "\n", " , ,", "# nothing"} {
		if keys, err := ParseKeys(empty); err != nil || !keys.Empty() {
			t.Errorf("ParseKeys(%q) = %v, %v, want an empty set", empty, keys, err)
		}
	}
}

func TestParseKeysNamesThePlaceAndNeverTheSecret(t *testing.T) {
	secret := testSecret('s')
	short := base64.StdEncoding.EncodeToString([]byte("only 31 bytes, one is missing.."))
	for _, tt := range []struct{ name, text, want string }{
		{"no colon", secret, "line 1, item 1: not of the form kid:secret"},
		{"secret as key ID", secret + ":k1", "line 1, item 1: key ID: not 1 to 32 of A-Z a-z 0-9 _ -"},
		{"empty key ID", ":" + secret, "line 1, item 1: key ID: not 1 to 32 of A-Z a-z 0-9 _ -"},
		{"no base64", "k1:!" + secret, "line 1, item 1: key k1: the secret is not standard base64 with padding"},
		{"no padding", "k1:" + strings.TrimRight(secret, "="), "line 1, item 1: key k1: the secret is not standard base64 with padding"},
		{"short", "k1:" + short, "line 1, item 1: key k1: the secret has 31 bytes, at least 32 are needed"},
		{"no time", "k1:" + secret + "@", "line 1, item 1: key k1: not_after is not an RFC 3339 time"},
		{"bad time", "k1:" + secret + "@" + secret, "line 1, item 1: key k1: not_after is not an RFC 3339 time"},
		{"twice", "k1:" + secret + ",k1:" + testSecret(1), "line 1, item 2: key k1: stands twice"},
		{"secret twice", "k1:" + secret + ",k2:" + secret, "line 1, item 2: key k2: the secret of key k1 once more"},
		{
			"all at once", "k1:" + secret + "\n\n#\nk2:x,k3:" + secret + "@x",
			"line 4, item 1: key k2: the secret is not standard base64 with padding\n" +
				"line 4, item 2: key k3: not_after is not an RFC 3339 time",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := ParseKeys(tt.text)
			if err == nil || err.Error() != tt.want {
				t.Fatalf("ParseKeys = %v, %v\nwant %s", keys, err, tt.want)
			}
			if strings.Contains(err.Error(), strings.TrimRight(secret, "=")) || strings.Contains(err.Error(), short) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestAKeySetPrintsNoSecret(t *testing.T) {
	keys := mustParseKeys(t, "k1:"+testSecret('s'))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, keys); got != "stamp keys [k1]" {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

func TestLoadKeys(t *testing.T) {
	secret := testSecret('s')
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", "# newest first\nk2:"+testSecret(2)+"\nk1:"+secret+"@2026-01-01T00:00:00Z\n")
	for _, tt := range []struct {
		name    string
		env     map[string]string
		want    string
		wantErr string
	}{
		{"neither", nil, "stamp keys []", ""},
		{"variable", map[string]string{EnvKeys: "k1:" + secret}, "stamp keys [k1]", ""},
		{"file", map[string]string{EnvKeysFile: good}, "stamp keys [k2 k1]", ""},
		{"both", map[string]string{EnvKeys: "k1:" + secret, EnvKeysFile: good}, "", "BILLING_STAMP_KEYS and BILLING_STAMP_KEYS_FILE are both set: keep one"},
		{"bad variable", map[string]string{EnvKeys: "k1:x"}, "", "BILLING_STAMP_KEYS: line 1, item 1: key k1: the secret is not standard base64 with padding"},
		{"bad file", map[string]string{EnvKeysFile: file("bad", "k1")}, "", "BILLING_STAMP_KEYS_FILE: line 1, item 1: not of the form kid:secret"},
		{"file without keys", map[string]string{EnvKeysFile: file("empty", "# none yet\n")}, "", "BILLING_STAMP_KEYS_FILE: set, but holds no key"},
		{"no such file", map[string]string{EnvKeysFile: filepath.Join(dir, "none")}, "", "BILLING_STAMP_KEYS_FILE: the file can't be read: no such file or directory"},
		{"keys in place of the file", map[string]string{EnvKeysFile: "k1:" + secret}, "", "BILLING_STAMP_KEYS_FILE: the file can't be read: no such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := LoadKeys(func(name string) string { return tt.env[name] })
			if tt.wantErr != "" {
				if err == nil || err.Error() != tt.wantErr {
					t.Fatalf("error %v, want %s", err, tt.wantErr)
				}
				return
			}
			if err != nil || keys.String() != tt.want {
				t.Errorf("LoadKeys = %v, %v, want %s", keys, err, tt.want)
			}
		})
	}
}
