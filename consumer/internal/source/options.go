package source

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Options say what is read and how. The zero value of a field that names a default means that default.
type Options struct {
	// NameServers are "host:port" each; the host may be a DNS name, resolved whenever a connection is made. Any of
	// them must know the topic.
	NameServers []string
	Topic       string
	// Tag is a tag expression, "a || b"; default "*". All members of a group must use the same one.
	Tag   string
	Group string

	// AccessKey and SecretKey come together; SecurityToken only with them.
	AccessKey     string
	SecretKey     string
	SecurityToken string

	// Concurrency is how many messages the handler works on at once (default 512); the others wait in memory.
	Concurrency int
	// PullBatch is how many messages one pull asks for, 1..1024 (default 64).
	PullBatch int
	// QueueMessages is how many messages of one queue are in memory at most, 1..16384 (default 256), give or take
	// one pull. The topic's number of queues may lower it.
	QueueMessages int
	// BufferMiB is how many MiB of message bodies are in memory at most, over all queues (default 32), give or take one
	// pull and 1 MiB a queue: with more queues than half as many MiB, 2 MiB a queue. Half of it may be worked on at once.
	BufferMiB int

	// Reconsume gives a message that the handler fails on back to the broker instead of holding it until a restart: at
	// most MaxReconsume times (default 16), then the broker puts it into the DLQ. An outage is no such failure: the
	// handler waits then. The group's retry topic must be there and writable.
	Reconsume    bool
	MaxReconsume int

	// Start is where a group begins that has not committed yet. It means nothing to a group that has.
	Start Start

	// DrainLimit is how long Run may take to return when its context ends (default 20 s, at most 100 s: after 120 s
	// without a pull the client would drop the queues). The last 6 s of it, at most half, are not the handler's.
	DrainLimit time.Duration

	// ConsumeTimeout is for tests only: the client's own limit for a message, default 10 years. A held message is safe
	// from it whatever it is.
	ConsumeTimeout time.Duration
	// StateInterval is how often the broker is asked how far the queues are and whether it still lets us pull
	// (default 10 s).
	StateInterval time.Duration
}

// RetryTopic is where the broker keeps what members of a group gave back.
func RetryTopic(group string) string { return "%RETRY%" + group }

// DLQ is the topic in which the broker keeps what a group sent back too often.
func DLQ(group string) string { return "%DLQ%" + group }

// hide takes the credentials out of a text: a broker repeats the access key when it refuses it.
func (o Options) hide(text string) string {
	for _, secret := range []string{o.AccessKey, o.SecretKey, o.SecurityToken} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "(secret)")
		}
	}
	return text
}

const (
	maxPullBatch     = 1024
	maxQueueMessages = 16384
	maxDrainLimit    = 100 * time.Second
	foreverTimeout   = 10 * 365 * 24 * time.Hour
)

var (
	namePattern  = regexp.MustCompile(`^[%|a-zA-Z0-9_-]{1,127}$`)
	groupPattern = regexp.MustCompile(`^[%|a-zA-Z0-9_-]{1,255}$`)
)

func (o Options) withDefaults() Options {
	setDefault(&o.Tag, "*")
	setDefault(&o.Concurrency, 512)
	setDefault(&o.PullBatch, 64)
	setDefault(&o.QueueMessages, 256)
	setDefault(&o.BufferMiB, 32)
	setDefault(&o.MaxReconsume, 16)
	setDefault(&o.DrainLimit, 20*time.Second)
	setDefault(&o.ConsumeTimeout, foreverTimeout)
	setDefault(&o.StateInterval, 10*time.Second)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate returns everything that is wrong, each error naming its field.
func (o Options) validate() error {
	var errs []error
	add := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
	between := func(field string, v, low, high int) {
		if v < low || v > high {
			add(field, "%d is not in %d..%d", v, low, high)
		}
	}
	if len(o.NameServers) == 0 {
		add("NameServers", "empty")
	}
	for _, addr := range o.NameServers {
		if err := checkAddr(addr); err != nil {
			add("NameServers", "%v", err)
		}
	}
	if !namePattern.MatchString(o.Topic) {
		add("Topic", "want 1 to 127 of letters, digits, '_', '-', '%%', '|'")
	}
	if !groupPattern.MatchString(o.Group) {
		add("Group", "want 1 to 255 of letters, digits, '_', '-', '%%', '|'")
	} else if o.Group == "DEFAULT_CONSUMER" {
		add("Group", "DEFAULT_CONSUMER is reserved by the client")
	}
	for tag := range strings.SplitSeq(o.Tag, "||") {
		if strings.TrimSpace(tag) == "" {
			add("Tag", "an empty tag in the expression")
		}
	}
	if (o.AccessKey == "") != (o.SecretKey == "") {
		add("AccessKey, SecretKey", "one without the other")
	}
	if o.SecurityToken != "" && o.AccessKey == "" {
		add("SecurityToken", "without AccessKey and SecretKey")
	}
	between("Concurrency", o.Concurrency, 1, maxCallbacks)
	between("PullBatch", o.PullBatch, 1, maxPullBatch)
	between("QueueMessages", o.QueueMessages, 1, maxQueueMessages)
	between("BufferMiB", o.BufferMiB, 1, 1<<20)
	if o.DrainLimit < 0 || o.DrainLimit > maxDrainLimit {
		add("DrainLimit", "%v is not in 0..%v", o.DrainLimit, maxDrainLimit)
	}
	if o.ConsumeTimeout < 0 {
		add("ConsumeTimeout", "negative")
	}
	if o.StateInterval < 0 {
		add("StateInterval", "negative")
	}
	return errors.Join(errs...)
}
