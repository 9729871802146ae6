package source

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestOptionsNameEveryFieldThatIsWrong(t *testing.T) {
	_, err := New(Options{
		NameServers: []string{"mq.example:9876", "no-port", ":9876", "host:0"},
		Topic:       "a b", Group: "", Tag: "a || ", AccessKey: "only", Concurrency: -1, PullBatch: 1025,
		QueueMessages: 20000, BufferMiB: -1, DrainLimit: 2 * time.Minute,
	}, nil, zerolog.Nop(), nil)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`NameServers: "no-port"`, `NameServers: ":9876"`, `NameServers: "host:0"`, "Topic:", "Group:", "Tag:",
		"AccessKey, SecretKey:", "Concurrency:", "PullBatch:", "QueueMessages:", "BufferMiB:", "DrainLimit:",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "mq.example") {
		t.Errorf("a DNS name was refused: %v", err)
	}
}

func TestStart(t *testing.T) {
	for _, text := range []string{"", "first"} {
		if s, err := ParseStart(text); err != nil || s != StartFirst {
			t.Errorf("%q: %v %v", text, s, err)
		}
	}
	if s, err := ParseStart("last"); err != nil || s != StartLast {
		t.Errorf("last: %v %v", s, err)
	}
	s, err := ParseStart("2026-02-01T01:30:00+02:00")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.clientTime(); got != "20260131233000" {
		t.Errorf("the client gets %s, want UTC", got)
	}
	if _, err := ParseStart("yesterday"); err == nil || !strings.Contains(err.Error(), "yesterday") {
		t.Errorf("got %v", err)
	}
}
