package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/stack"
)

func TestDoctor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "apisix.yaml")
	logger := "routes: [{id: r, uri: /api/*, plugins: {key-auth: {hide_credentials: true}, proxy-rewrite: {headers: {remove: [Accept-Encoding]}}, rocketmq-logger: " +
		"{nameserver_list: ['127.0.0.1:9876'], topic: %s, max_retry_count: 60, batch_max_size: 1, include_resp_body: true}}}]"
	if err := os.WriteFile(file, fmt.Appendf(nil, logger, "t"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"doctor":                                    {cli.ExitUsage, "needs --apisix-yaml or --admin-url"},
		"doctor --apisix-yaml " + file:              {cli.ExitError, "ERROR    metadata_no_billing"},
		"doctor --apisix-yaml nowhere.yaml":         {cli.ExitError, "no such file"},
		"doctor --admin-url http://127.0.0.1:1":     {cli.ExitError, "connection refused"},
		"doctor --list":                             {cli.ExitOK, "logger_no_retry"},
		"doctor --output xml --apisix-yaml " + file: {cli.ExitUsage, "--output"},
	} {
		got := run(t, "", nil, strings.Fields(args)...)
		if got.code != want.code || !strings.Contains(got.stdout+got.stderr, want.text) {
			t.Errorf("%s: exit %d, %s%s", args, got.code, got.stdout, got.stderr)
		}
	}
	// From standard input, as JSON: one finding a line.
	got := run(t, fmt.Sprintf(logger, "t"), nil, "doctor", "--apisix-yaml", "-", "--output", "json")
	var codes []string
	for line := range strings.Lines(got.stdout) {
		var finding struct{ Code, Severity, Object, Reason, Risk, Cure string }
		if err := json.Unmarshal([]byte(line), &finding); err != nil || finding.Cure == "" {
			t.Fatalf("%s: %v", line, err)
		}
		codes = append(codes, finding.Code)
	}
	if !slices.Equal(codes, []string{"metadata_no_billing", "logger_without_runner"}) {
		t.Errorf("codes %q", codes)
	}
}

// Sample messages are judged as what the configuration brought about.
func TestDoctorJudgesSamples(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	conf := file("apisix.yaml", "routes: []\nglobal_rules: []")
	const zstd = `{"request":{"method":"POST","uri":"/v1/chat/completions"},"response":{"status":200,"headers":{"content-encoding":"zstd"},"body":"(` + "\xb5\x2f\xfd" + `"},"start_time":1795347865715}`
	const entry = `{"request":{"method":"POST","uri":"/v1/chat/completions"},"response":{"status":200,"headers":{"content-encoding":"gzip"},"body":"{}"},"start_time":1795347865715}`
	got := run(t, "", nil, "doctor", "--apisix-yaml", conf, "--output", "json", "--sample", file("a.json", "["+entry+",7,"+zstd+"]"), "--sample", file("b.json", entry))
	for code, reason := range map[string]string{
		"sample_rejected": "1 of 4 entries: not_an_entry", "sample_weak_key": "3 of 4 entries", "sample_no_stamp": "3 of 4 entries",
		"sample_no_usage": "3 of 4 entries", "sample_encoded": "1 of 4 entries", "sample_anonymous": "3 of 4 entries",
	} {
		if !strings.Contains(got.stdout, `"code":"`+code+`"`) || !strings.Contains(got.stdout, `"reason":"`+reason+`"`) {
			t.Errorf("no %s with %s in %s%s", code, reason, got.stdout, got.stderr)
		}
	}
}

// With name servers, the topics of the loggers are looked for: one that is not there, and one that nobody may write to.
func TestDoctorLooksForTopics(t *testing.T) {
	mq := stack.Shared(t).RocketMQ
	there := mq.NewTopic(t, 2)
	closed := there + "_closed"
	if err := mq.CreateTopic(t.Context(), closed, 2, stack.ReadOnly); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mq.DeleteTopic(context.Background(), closed) })
	for topic, want := range map[string]string{there: "", there + "_missing": "topic_missing", closed: "topic_not_writable"} {
		config := fmt.Sprintf("routes: [{id: r, plugins: {rocketmq-logger: {topic: %s}}}]", topic)
		got := run(t, config, nil, "doctor", "--apisix-yaml", "-", "--name-servers", mq.NameServer.Addr())
		if strings.Contains(got.stdout, "topic_") != (want != "") || !strings.Contains(got.stdout, want) {
			t.Errorf("topic %s: %s, want %q", topic, got.stdout, want)
		}
	}
	got := run(t, "routes: [{id: r, plugins: {rocketmq-logger: {topic: t}}}]", nil, "doctor", "--apisix-yaml", "-", "--name-servers", "127.0.0.1:1")
	if !strings.Contains(got.stdout, "name_server_away") || strings.Contains(got.stdout, "topic_missing") {
		t.Errorf("a name server that is away: %s", got.stdout)
	}
}

// inspect --last sums up the last messages of a topic over all its queues, and leaves the group as it was.
func TestInspectLast(t *testing.T) {
	mq := stack.Shared(t).RocketMQ
	topic, group := mq.NewTopic(t, 3), mq.NewGroup(t)
	producer, err := rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: mq.NameServers()})
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	send := func(body string) {
		if err := producer.Send(t.Context(), rocketlog.Message{Topic: topic, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	const plain = `{"request":{"method":"POST","uri":"/"},"response":{"status":200},"start_time":1795347865715,"consumer":{"username":"a"}}`
	for range 20 {
		send("garbage") // not among the last
	}
	keyed := strings.Replace(plain, "{", `{"billing":{"request_id":"`+strings.Repeat("a", 32)+`"},`, 1)
	for range 40 {
		send("[" + keyed + "," + strings.Replace(plain, `,"consumer":{"username":"a"}`, "", 1) + "]")
	}
	send("7")
	environ := []string{"BILLING_ROCKETMQ_NAME_SERVERS=" + mq.NameServer.Addr(), "BILLING_ROCKETMQ_GROUP=" + group}
	before, err := mq.CommittedOffsets(t.Context(), group, topic)
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, "", environ, "inspect", "--topic", topic, "--last", "41", "--output", "json")
	var sums struct {
		Messages, Entries, Anonymous int
		Rejects                      map[string]int
		KeySources                   map[string]int `json:"key_sources"`
	}
	if err := json.Unmarshal([]byte(got.stdout), &sums); err != nil {
		t.Fatalf("%+v: %v", got, err)
	}
	if sums.Messages != 41 || sums.Entries != 81 || sums.KeySources["gateway"] != 40 || sums.KeySources["fingerprint"] != 40 ||
		sums.Anonymous != 40 || sums.Rejects["not_an_entry"] != 1 || len(sums.Rejects) != 1 {
		t.Errorf("%+v", sums)
	}
	got = run(t, "", environ, "inspect", "--topic", topic, "--last", "41")
	for _, want := range []string{"41 messages, 81 entries", "fingerprint              40   49.4 %  no billing object", "not_an_entry"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, got.stdout)
		}
	}
	after, err := mq.CommittedOffsets(t.Context(), group, topic)
	if err != nil || !slices.Equal(before, after) {
		t.Errorf("the group's offsets were %v and are %v: %v", before, after, err)
	}
	for _, args := range []string{"inspect --last 0", "inspect --topic t", "inspect --last 5 file", "inspect --last 5 --output xml"} {
		if got := run(t, "", environ, strings.Fields(args)...); got.code != cli.ExitUsage {
			t.Errorf("%s: %+v", args, got)
		}
	}
}
