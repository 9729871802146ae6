package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	clienterrors "github.com/apache/rocketmq-client-go/v2/errors"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/rlog"
	"github.com/rs/zerolog"
)

// tattler is a value that must not be formatted.
type tattler struct{ t *testing.T }

func (v tattler) String() string {
	v.t.Error("a value was formatted")
	return "secret"
}

func newBridge() (*logBridge, *bytes.Buffer, *[]string) {
	var out bytes.Buffer
	var jumps []string
	b := &logBridge{limits: map[string]*lineLimit{}, now: time.Now}
	b.attach(&logListener{
		hide:  func(text string) string { return text },
		group: "g", log: zerolog.New(&out),
		jumpFrom: func(r pullRequest) { jumps = append(jumps, "from "+r.key()) },
		jumpTo:   func(r pullRequest) { jumps = append(jumps, "to "+r.key()) },
	})
	return b, &out, &jumps
}

func TestClientLinesShowNoMessages(t *testing.T) {
	b, out, _ := newBridge()
	msg := &primitive.MessageExt{Message: primitive.Message{Body: []byte("secret")}}
	b.Warning("processQueue is dropped without process consume result.", map[string]any{
		rlog.LogKeyMessages: []*primitive.MessageExt{msg}, "message": msg, rlog.LogKeyMessageQueue: tattler{t},
		rlog.LogKeyUnderlayError: errors.New("connection reset"), rlog.LogKeyConsumerGroup: "g",
		"unlisted": "secret", "responseCode": int16(16), "remark": strings.Repeat("x", 1000),
	})
	b.Error("panic", map[string]any{rlog.LogKeyUnderlayError: tattler{t}})
	b.panicked("secret")
	got := out.String()
	if strings.Contains(got, "secret") {
		t.Errorf("a message was logged: %s", got)
	}
	for _, want := range []string{`"underlayError":"connection reset"`, `"responseCode":16`, `"error":"panic (string)"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
	if strings.Contains(got, strings.Repeat("x", maxLogText+1)) {
		t.Error("a long text was not cut")
	}
}

func TestClientLinesAreLimited(t *testing.T) {
	b, out, _ := newBridge()
	now := time.Now()
	b.now = func() time.Time { return now }
	for range 100 {
		b.Warning("flow control", nil)
	}
	b.Warning("another", nil)
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want one of each kind:\n%s", n, out)
	}
	now = now.Add(lineInterval)
	b.Warning("flow control", nil)
	if !strings.Contains(out.String(), `"suppressed":99`) {
		t.Errorf("the lines left out are not told:\n%s", out)
	}
}

// A group whose messages were never given back has no retry topic, which is nothing to warn of at each start. Of the topic that
// messages are read from it is.
func TestNoRetryTopicIsNoWarning(t *testing.T) {
	b, out, _ := newBridge()
	for _, topic := range []string{"%RETRY%g", "apisix"} {
		b.Warning("query topic route from server error", map[string]any{rlog.LogKeyUnderlayError: clienterrors.ErrTopicNotExist})
		b.Warning("queryTopicRouteInfoFromServer return nil", map[string]any{rlog.LogKeyTopic: topic})
		b.Warning("do balance in group failed, the topic does not exist", map[string]any{rlog.LogKeyConsumerGroup: "g", rlog.LogKeyTopic: topic})
	}
	b.Warning("query topic route from server error", map[string]any{rlog.LogKeyUnderlayError: errors.New("connection refused")})
	var warned []string
	for line := range strings.Lines(out.String()) {
		var l struct{ Level, Topic, UnderlayError string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Level == "warn" {
			warned = append(warned, l.Topic+l.UnderlayError)
		}
	}
	if got := strings.Join(warned, ", "); got != "apisix, apisix, connection refused" {
		t.Errorf("warned of %s", got)
	}
}

func TestClientLinesGoToTheirGroup(t *testing.T) {
	b, out, jumps := newBridge()
	b.Warning("x", map[string]any{rlog.LogKeyConsumerGroup: "other"})
	b.Warning(jumpFoundLine, map[string]any{rlog.LogKeyPullRequest: "[ConsumerGroup: other, Topic: t, MessageQueue: brokerName=b, queueId=1, nextOffset=7]"})
	if strings.Contains(out.String(), `"x"`) || len(*jumps) != 0 {
		t.Errorf("another group's lines arrived: %s %v", out, *jumps)
	}
	b.Warning(jumpFoundLine, map[string]any{rlog.LogKeyPullRequest: "[ConsumerGroup: g, Topic: t, MessageQueue: brokerName=b-1, queueId=1, nextOffset=7]"})
	b.Warning(jumpDoneLine+"[ConsumerGroup: g, Topic: t, MessageQueue: brokerName=b-1, queueId=1, nextOffset=9]", nil)
	if got := strings.Join(*jumps, ", "); got != "from t/b-1/1, to t/b-1/1" {
		t.Errorf("got %s", got)
	}
}
