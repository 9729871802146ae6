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

// The client reads its time without a zone, as UTC.
func TestStart(t *testing.T) {
	at := time.Date(2026, 2, 1, 1, 30, 0, 0, time.FixedZone("", 2*3600))
	if got := StartAt(at).clientTime(); got != "20260131233000" {
		t.Errorf("the client gets %s, want UTC", got)
	}
}
