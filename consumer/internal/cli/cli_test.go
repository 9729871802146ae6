package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gateway-billing.internal/consumer/internal/cli"
)

// result is what a command line gave.
type result struct {
	code           int
	stdout, stderr string
}

// run runs a command line in this process.
func run(t *testing.T, stdin string, environ []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr, environ)
	return result{code, stdout.String(), stderr.String()}
}

func TestWrongCommandLines(t *testing.T) {
	for line, command := range map[string]string{
		"nonsense": "", "--nonsense": "", "run now": " run", "run --nonsense": " run", "run --config": " run", "inspect a b": " inspect",
		"version x": " version", "migrate": " migrate", "migrate sideways": " migrate", "migrate up 3": " migrate up", "conflicts x": " conflicts",
		"conflicts --from noon": " conflicts", "conflicts --limit 0": " conflicts", "conflicts --output xml": " conflicts",
		"deadletters list x": " deadletters list",
	} {
		got := run(t, "", nil, strings.Fields(line)...)
		if got.code != cli.ExitUsage || got.stdout != "" || !strings.HasPrefix(got.stderr, "billing-consumer: ") ||
			!strings.HasSuffix(got.stderr, "\nSee 'billing-consumer"+command+" --help'.\n") {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

// What is wrong with a flag is told by the flag's own name.
func TestWrongFlagsAreNamed(t *testing.T) {
	for line, want := range map[string]string{
		"usage report --from 2026-11-26T06:07:00Z":                 "--from must be on a quarter of an hour (UTC)",
		"usage report --from 2026-11-26 --to 2026-11-27T00:00:01Z": "--to must be on a quarter of an hour (UTC)",
		"usage report --by day,hour":                               "--by takes only one of hour, day and month",
		"usage report --by model,model":                            "--by has model twice",
		"usage report --by price":                                  "--by must be of hour, day,",
		"usage report --status 200":                                "--status must be a class such as 2xx",
		"usage report --status OK":                                 "--status must be a class such as 2xx",
		"usage report --zone Mars/North":                           "--zone: unknown time zone",
		"prune --bodies 30m":                                       "--bodies must be at least 1h",
		"usage":                                                    "usage needs a command: report, export, verify or rebuild\n",
		"deadletters":                                              "deadletters needs a command: list, show, redrive or discard\n",
		"migrate":                                                  "migrate needs a command: up, status or validate\n",
		"config":                                                   "config needs a command: print\n",
		"usage sum":                                                `usage has no command "sum", but report, export, verify or rebuild`,
		"gaps --from noon":                                         "--from must be a time, such as 2026-11-24T08:00:00Z, 2026-11-24, 2026-11 or yesterday (UTC)",
		"dead-letters show 0":                                      `"0" is no id of a dead letter`,
		"token --scope usage:read":                                 "--name must be 1 to 64 letters",
		"token --name x":                                           "--scope must be one or more of",
		"token --name x --scope usage:write":                       "--scope must be one or more of",
		"token --name x --consumer alice --scope usage:read --scope gaps:read": "--consumer can't be given beside the scope gaps:read",
	} {
		got := run(t, "", nil, strings.Fields(line)...)
		if got.code != cli.ExitUsage || got.stdout != "" || !strings.HasPrefix(got.stderr, "billing-consumer: "+want) {
			t.Errorf("%q: %+v, want %s", line, got, want)
		}
	}
}

func TestHelpNamesTheCommands(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}} {
		got := run(t, "", nil, args...)
		if got.code != cli.ExitOK || got.stderr != "" {
			t.Errorf("%q: %+v", args, got)
		}
		for _, command := range []string{"run", "migrate", "inspect", "conflicts", "version"} {
			if !strings.Contains(got.stdout, "\n  "+command+" ") {
				t.Errorf("%q does not name %s:\n%s", args, command, got.stdout)
			}
		}
	}
}

// Help fits a terminal of 100 columns, and each flag with a value names it in capitals: pflag takes its type where it has no name.
func TestHelpOfEveryCommand(t *testing.T) {
	named := regexp.MustCompile(`(?m)^ +(?:-\w, )?--[\w-]+(?: +| )[a-z]\w* {2,}`)
	commands := regexp.MustCompile(`(?m)^  (\w[\w-]*) +[A-Z]`)
	seen := 0
	var look func(path []string)
	look = func(path []string) {
		got := run(t, "", nil, append(path, "--help")...)
		if got.code != cli.ExitOK {
			t.Fatalf("%q: %+v", path, got)
		}
		seen++
		about, rest, _ := strings.Cut(got.stdout, "Usage:\n")
		for line := range strings.Lines(about) {
			if utf8.RuneCountInString(line) > 101 {
				t.Errorf("%q: a long line: %s", path, line)
			}
		}
		_, flags, _ := strings.Cut(rest, "Flags:\n")
		if bad := named.FindString(flags); bad != "" {
			t.Errorf("%q: %s", path, bad)
		}
		if _, list, ok := strings.Cut(rest, "Available Commands:\n"); ok {
			list, _, _ = strings.Cut(list, "\nFlags:")
			for _, command := range commands.FindAllStringSubmatch(list, -1) {
				if command[1] != "help" {
					look(append(slices.Clone(path), command[1]))
				}
			}
		}
	}
	look(nil)
	if seen < 25 {
		t.Errorf("only %d commands were found", seen)
	}
}

func TestVersion(t *testing.T) {
	got := run(t, "", nil, "version")
	if got.code != cli.ExitOK || !strings.HasPrefix(got.stdout, "billing-consumer ") || !strings.Contains(got.stdout, "go1.") {
		t.Errorf("%+v", got)
	}
}

// Every error of the configuration comes at once, on standard error, once.
func TestConfigurationErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "billing.yaml")
	if err := os.WriteFile(path, []byte("rocketmq:\n  topic: logs\n  grup: g\nmysql: {writers: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, "", nil, "run", "--config", path)
	want := `billing-consumer: the configuration is not valid:
  billing.yaml:3: rocketmq.grup: no such setting
  billing.yaml:4: mysql.writers: must be a whole number
  rocketmq.name_servers: is required: at least one host:port
  rocketmq.group: is required
  mysql.dsn: is required: user:password@tcp(host:port)/database
`
	got.stderr = strings.ReplaceAll(got.stderr, path, "billing.yaml")
	if got.code != cli.ExitError || got.stdout != "" || got.stderr != want {
		t.Errorf("got code %d, stderr\n%s\nwant\n%s", got.code, got.stderr, want)
	}
	if got := run(t, "", nil, "migrate", "status", "--config", path); !strings.Contains(got.stderr, "mysql.writers") {
		t.Errorf("migrate takes a file that can't be read right: %+v", got)
	}
}

// Who forgets --config is told of it.
func TestWithoutConfiguration(t *testing.T) {
	const missing = "mysql.dsn: is required: user:password@tcp(host:port)/database"
	for _, command := range []string{"migrate status", "usage report"} {
		got := run(t, "", nil, strings.Fields(command)...)
		want := "billing-consumer: the configuration is not valid:\n  " + missing + " (no --config was given)\n"
		if got.code != cli.ExitError || got.stdout != "" || got.stderr != want {
			t.Errorf("%s: %+v", command, got)
		}
	}
	path := filepath.Join(t.TempDir(), "billing.yaml")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", nil, "migrate", "status", "--config", path); !strings.HasSuffix(got.stderr, missing+"\n") {
		t.Errorf("with one: %+v", got)
	}
}

const sample = "../../../shared/logentry/testdata/apisix-3.18/rocketmq-array3.jsonl"

// inspect needs neither a server nor a configuration, and reads a file as it reads standard input.
func TestInspect(t *testing.T) {
	body, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	fromFile := run(t, "", nil, "inspect", sample)
	if fromFile.code != cli.ExitOK || fromFile.stderr != "" {
		t.Fatalf("%+v", fromFile)
	}
	lines := strings.Split(strings.TrimSuffix(fromFile.stdout, "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines for 3 entries", len(lines))
	}
	for i, line := range lines {
		var entry struct {
			EntryIndex int    `json:"entry_index"`
			Outcome    string `json:"outcome"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.EntryIndex != i || entry.Outcome != "record" {
			t.Errorf("line %d: %v: %s", i, err, line)
		}
	}
	for _, args := range [][]string{{"inspect"}, {"inspect", "-"}} {
		if got := run(t, string(body), nil, args...); got != fromFile {
			t.Errorf("%q gives another output than the file", args)
		}
	}
}

func TestInspectRejectsWithoutFailing(t *testing.T) {
	got := run(t, "not JSON", nil, "inspect")
	if got.code != cli.ExitOK || strings.Count(got.stdout, "\n") != 1 || !strings.Contains(got.stdout, `"outcome":"reject"`) {
		t.Errorf("%+v", got)
	}
}

// The part of the configuration that inspect uses is read as for run.
func TestInspectReadsTheConfiguration(t *testing.T) {
	got := run(t, "{}", []string{"BILLING_BODY_POLICY=some", "BILLING_TYPO=1"}, "inspect")
	want := `billing-consumer: warning: BILLING_TYPO: no such setting, it has no effect
billing-consumer: the configuration is not valid:
  BILLING_BODY_POLICY: body.policy: must be one of redacted, full, none
`
	if got.code != cli.ExitError || got.stdout != "" || got.stderr != want {
		t.Errorf("%+v", got)
	}
}

func TestInspectWithoutItsFile(t *testing.T) {
	got := run(t, "", nil, "inspect", "/nonexistent")
	if got.code != cli.ExitError || got.stderr != "billing-consumer: message body: open /nonexistent: no such file or directory\n" {
		t.Errorf("%+v", got)
	}
}
