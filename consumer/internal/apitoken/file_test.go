package apitoken_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/apitoken"
)

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hash is that of the token that the tests have.
var (
	token = apitoken.New()
	hash  = apitoken.HashOf(token).String()
)

// What the file says is what a token may; a list of APISIX consumers that is left out, alone, shows all.
func TestFile(t *testing.T) {
	other := apitoken.HashOf(apitoken.New()).String()
	for name, tt := range map[string]struct {
		text   string
		tokens int
		// scopes and sees are of the token; sees names APISIX consumers, ? for the unknown one.
		scopes, sees string
	}{
		"empty":         {"", 0, "", ""},
		"comments only": {"# nobody yet\n", 0, "", ""},
		"empty list":    {"[]\n", 0, "", ""},
		"all": {"- name: billing\n  sha256: " + hash + "\n  scopes: [usage:read, gaps:read]\n" +
			"- {name: b, sha256: " + other + ", scopes: [dead-letters:redrive]}\n", 2, "usage:read gaps:read", "alice bob ? "},
		"upper case":          {"- {name: a, sha256: " + strings.ToUpper(hash) + ", scopes: [records:read]}", 1, "records:read", "alice bob ? "},
		"some":                {"- {name: a, sha256: " + hash + ", scopes: [usage:read], consumers: [alice, bob]}", 1, "usage:read", "alice bob"},
		"anonymous":           {"- {name: a, sha256: " + hash + `, scopes: [usage:read], consumers: [""]}`, 1, "usage:read", " "},
		"nobody":              {"- {name: a, sha256: " + hash + ", scopes: [usage:read], consumers: []}", 1, "usage:read", ""},
		"a name like a word":  {"- {name: a, sha256: " + hash + ", scopes: [usage:read], consumers: [\"?\", null_, 0123, yes]}", 1, "usage:read", ""},
		"the same list twice": {"- {name: a, sha256: " + hash + ", scopes: [usage:read], consumers: &them [alice]}\n- {name: b, sha256: " + other + ", scopes: [usage:read], consumers: *them}", 2, "usage:read", "alice"},
	} {
		set, err := apitoken.ReadFile(file(t, tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		grant := set.Find(token)
		if set.Len() != tt.tokens || (grant == nil) != (tt.scopes == "") {
			t.Errorf("%s: %d tokens, %+v", name, set.Len(), grant)
			continue
		}
		if grant == nil {
			continue
		}
		for _, s := range apitoken.Scopes() {
			if got, want := grant.Allows(s), strings.Contains(" "+tt.scopes+" ", " "+string(s)+" "); got != want {
				t.Errorf("%s: allows %s: %v", name, s, got)
			}
		}
		var sees []string
		for _, c := range []*string{new("alice"), new("bob"), nil, new("")} {
			switch {
			case !grant.Sees(c):
			case c == nil:
				sees = append(sees, "?")
			default:
				sees = append(sees, *c)
			}
		}
		if got := strings.Join(sees, " "); got != tt.sees && (tt.sees != " " || len(sees) != 1 || got != "") {
			t.Errorf("%s: sees %q, want %q", name, got, tt.sees)
		}
	}
}

// What is wrong with a file lets nobody in, and the error says where it is and shows nothing of what stands there.
func TestBadFile(t *testing.T) {
	const secret = "gbt_Hush0Mark"
	good := "sha256: " + hash + ", scopes: [usage:read]"
	for name, tt := range map[string]struct{ text, want string }{
		"no list":              {"name: " + secret, "must be a list of tokens"},
		"no YAML":              {"- {name: " + secret, "must be a list of tokens"},
		"an unknown field":     {"- {name: a, " + good + ", consumer: [" + secret + "]}", "line 1"},
		"a field twice":        {"- {name: a, name: b, " + good + "}", "line 1"},
		"no name":              {"- {" + good + "}", "[0] name: must be"},
		"a bad name":           {"- {name: \"a b\", " + good + "}", "[0] name: must be"},
		"a long name":          {"- {name: " + strings.Repeat("a", 65) + ", " + good + "}", "[0] name: must be"},
		"a token for a name":   {"- {name: " + secret + ", " + good + "}", "[0] name: must not begin"},
		"a token for its hash": {"- {name: a, sha256: " + secret + ", scopes: [usage:read]}", "[0] sha256: must be"},
		"no hash":              {"- {name: a, scopes: [usage:read]}", "[0] sha256: must be"},
		"a hash and more":      {"- {name: a, sha256: " + hash + "00, scopes: [usage:read]}", "[0] sha256: must be"},
		"half a hash":          {"- {name: a, sha256: " + hash[:32] + ", scopes: [usage:read]}", "[0] sha256: must be"},
		"no digits":            {"- {name: a, sha256: " + hash[:63] + "x, scopes: [usage:read]}", "[0] sha256: must be"},
		"no scopes":            {"- {name: a, sha256: " + hash + "}", "[0] scopes: at least one"},
		"an empty scope list":  {"- {name: a, sha256: " + hash + ", scopes: []}", "[0] scopes: at least one"},
		"an unknown scope":     {"- {name: a, sha256: " + hash + ", scopes: [usage:read, " + secret + "]}", "[0] scopes: [1] must be one of usage:read,"},
		"a scope of all":       {"- {name: a, sha256: " + hash + ", scopes: [usage:read, gaps:read], consumers: [alice]}", "[0] consumers: can't be given beside the scope gaps:read"},
		"a scope of all, for nobody": {
			"- {name: a, sha256: " + hash + ", scopes: [dead-letters:read], consumers: []}", "[0] consumers: can't be given"},
		"a name twice":  {"- {name: a, " + good + "}\n- {name: a, sha256: " + hash[1:] + "0, scopes: [usage:read]}", "[1] name: a is there already"},
		"a token twice": {"- {name: a, " + good + "}\n- {name: b, " + good + "}", "[1] sha256: is the one of a too"},
		// Each of these would show more than the one who wrote it meant, if it was read as YAML reads it.
		"a list whose lines are taken out": {"- name: a\n  sha256: " + hash + "\n  scopes: [usage:read]\n  consumers:\n  # - alice\n", "[0] consumers: must be a list"},
		"null":                             {"- {name: a, " + good + ", consumers: null}", "[0] consumers: must be a list"},
		"an alias of null":                 {"- {name: a, " + good + ", consumers: &x }\n- {name: b, " + good + ", consumers: *x}", "[0] consumers: must be a list"},
		"one name":                         {"- {name: a, " + good + ", consumers: " + secret + "}", "[0] consumers: must be a list"},
		"a map":                            {"- {name: a, " + good + ", consumers: {" + secret + ": x}}", "[0] consumers: must be a list"},
		"an empty line":                    {"- name: a\n  sha256: " + hash + "\n  scopes: [usage:read]\n  consumers:\n  - alice\n  -\n", "[0] consumers: [1] must be a name"},
		"a list in the list":               {"- {name: a, " + good + ", consumers: [[" + secret + "]]}", "[0] consumers: [0] must be a name"},
		"a second document":                {"- {name: a, " + good + "}\n---\n- {name: b, " + good + "}\n", "one YAML document"},
		"garbage behind the document":      {"- {name: a, " + good + "}\n---\n{", "one YAML document"},
		"too large":                        {strings.Repeat("# "+secret+"\n", 4<<20/16+99999), "larger than 4 MiB"},
	} {
		path := file(t, tt.text)
		set, err := apitoken.ReadFile(path)
		if err == nil || set != nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		} else if strings.Contains(err.Error(), "Hush0Mark") || strings.Contains(err.Error(), hash[:16]) {
			t.Errorf("%s: shows a value: %v", name, err)
		}
	}
	if _, err := apitoken.ReadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// What `billing-consumer token` writes is what the file's reader takes, whatever the names.
func TestEntriesAreRead(t *testing.T) {
	grants := []apitoken.Grant{
		{Name: "billing", Scopes: apitoken.Scopes()},
		{Name: "alice@example.org", Scopes: []apitoken.Scope{apitoken.UsageRead, apitoken.RecordsRead}, Consumers: []string{"alice", "", "null", "~", "no", "1e3", "a: b", "#x", "ü\n\t", "- x", "*y"}},
		{Name: "0123", Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: []string{}},
	}
	var text strings.Builder
	var tokens []string
	for _, g := range grants {
		tokens = append(tokens, apitoken.New())
		lines, err := apitoken.Entry(&g, apitoken.HashOf(tokens[len(tokens)-1]))
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(lines)
	}
	set, err := apitoken.ReadFile(file(t, text.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text.String())
	}
	for i, g := range grants {
		got := set.Find(tokens[i])
		if got == nil || got.Name != g.Name || (got.Consumers == nil) != (g.Consumers == nil) || len(got.Consumers) != len(g.Consumers) || len(got.Scopes) != len(g.Scopes) {
			t.Fatalf("%+v, want %+v in\n%s", got, g, text.String())
		}
		for j, c := range g.Consumers {
			if got.Consumers[j] != c {
				t.Errorf("%q, want %q", got.Consumers[j], c)
			}
		}
	}
	if strings.Contains(text.String(), tokens[0]) {
		t.Error("the file holds a token")
	}
}

// A token is found by all of it and by nothing else.
func TestFind(t *testing.T) {
	set, err := apitoken.ReadFile(file(t, "- {name: a, sha256: "+hash+", scopes: [usage:read]}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", token[:len(token)-1], token + "A", " " + token, strings.ToUpper(token), strings.TrimPrefix(token, "gbt_"), hash, apitoken.New()} {
		if g := set.Find(text); g != nil {
			t.Errorf("%q is let in as %s", text, g.Name)
		}
	}
	if g := set.Find(token); g == nil || g.Name != "a" {
		t.Errorf("%+v", g)
	}
	if (*apitoken.Set)(nil).Find(token) != nil {
		t.Error("no tokens let one in")
	}
}

// Whatever the bytes, reading them ends, and what is let in has a name, a scope, and no scope that its APISIX consumers forbid.
func FuzzFile(f *testing.F) {
	f.Add("- {name: a, sha256: " + hash + ", scopes: [usage:read]}")
	f.Add("- name: b\n  sha256: " + hash + "\n  scopes: [usage:read, records:read]\n  consumers: [alice, \"\"]\n")
	f.Add("- &a {name: a, sha256: " + hash + ", scopes: [gaps:read]}\n- {<<: *a, consumers: []}")
	f.Add("- {name: a, sha256: " + hash + ", scopes: [gaps:read], consumers: }")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := apitoken.Parse([]byte(text))
		if err != nil {
			if set != nil || strings.Contains(err.Error(), hash[:16]) {
				t.Errorf("%+v with %v", set, err)
			}
			return
		}
		g := set.Find(token)
		if g == nil {
			return
		}
		if apitoken.CheckName(g.Name) != nil || apitoken.CheckScopes(g.Scopes, g.Consumers != nil) != nil {
			t.Errorf("let in: %+v", g)
		}
		if g.Consumers == nil && strings.Contains(text, "consumers") && !strings.ContainsAny(text, "#\"'&*|>\\%!?") && strings.Count(text, "sha256") == 1 {
			t.Errorf("a list of APISIX consumers is given, and all are shown: %+v", g)
		}
	})
}
