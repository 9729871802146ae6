package source

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// The client tells of an offset that the broker does not have in two log lines only: when it finds it, and 10 s later
// when it has moved the group's offset. Both carry the queue's pull request in this form.
const (
	jumpFoundLine = "the pull request offset illegal"
	jumpDoneLine  = "fix the pull request offset: "
)

var pullRequestPattern = regexp.MustCompile(
	`^\[ConsumerGroup: (.*), Topic: (.*), MessageQueue: brokerName=(.*), queueId=(\d+), nextOffset=(-?\d+)\]$`)

type pullRequest struct {
	group  string
	topic  string
	broker string
	queue  int
	offset int64
}

func (r pullRequest) key() string { return fmt.Sprintf("%s/%s/%d", r.topic, r.broker, r.queue) }

func parsePullRequest(s string) (pullRequest, bool) {
	m := pullRequestPattern.FindStringSubmatch(s)
	if m == nil {
		return pullRequest{}, false
	}
	queue, err := strconv.Atoi(m[4])
	if err != nil {
		return pullRequest{}, false
	}
	offset, err := strconv.ParseInt(m[5], 10, 64)
	return pullRequest{group: m[1], topic: m[2], broker: m[3], queue: queue, offset: offset}, err == nil
}

func jumpFound(msg string, fields map[string]any) (pullRequest, bool) {
	if msg != jumpFoundLine {
		return pullRequest{}, false
	}
	text, _ := fields[rlog.LogKeyPullRequest].(string)
	return parsePullRequest(text)
}

func jumpDone(msg string) (pullRequest, bool) {
	text, ok := strings.CutPrefix(msg, jumpDoneLine)
	if !ok {
		return pullRequest{}, false
	}
	return parsePullRequest(text)
}
