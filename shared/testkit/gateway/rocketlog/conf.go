// Package rocketlog owns what APISIX's rocketmq-logger does with log entries: it makes them in the form its
// configuration asks for, buffers them per configuration, and sends each batch as one RocketMQ message, with the
// logger's own retries and losses.
package rocketlog

import (
	"encoding/json"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/apisixlog"
)

// Conf is the configuration of one binding of the plugin. A zero value means APISIX's default, given in brackets.
type Conf struct {
	// Topic, Key and Tag are static: the same for every message of this configuration. Key and Tag may be empty.
	Topic, Key, Tag string
	// BatchMaxSize is the most entries of a message (1000). With 1 the body is one object, else always an array.
	BatchMaxSize int
	// InactiveTimeout sends a batch that got no entry for so long (5 s); BufferDuration is the longest that an entry
	// waits (60 s).
	InactiveTimeout, BufferDuration time.Duration
	// MaxRetryCount is how often a failed send is repeated (0), RetryDelay how long after (1 s).
	MaxRetryCount int
	RetryDelay    time.Duration
	// IncludeRequestBody and IncludeResponseBody put the bodies into the entry, cut at their limits in bytes (524288).
	IncludeRequestBody, IncludeResponseBody bool
	MaxRequestBody, MaxResponseBody         int
	// Origin is meta_format: origin. The entry is then the request as text and no JSON.
	Origin bool
	// LogFormat replaces the default entry; LogFormatExtra adds to it, in place of the metadata's.
	LogFormat, LogFormatExtra apisixlog.Format
}

// Metadata is the plugin's metadata: it applies to every binding that says nothing of its own.
type Metadata struct {
	LogFormat, LogFormatExtra apisixlog.Format
	// MaxPendingEntries is how many entries may wait to be sent (8192); beyond it the newest are discarded.
	MaxPendingEntries int
}

// BillingExtra is the log_format_extra that puts the gateway's own word for a request into its entry.
func BillingExtra() apisixlog.Format {
	return apisixlog.Format{"billing": apisixlog.Format{
		"request_id": "$request_id",
		"stamp":      "$http_x_billing_stamp",
	}}
}

func (c Conf) withDefaults() Conf {
	setDefault(&c.BatchMaxSize, 1000)
	setDefault(&c.InactiveTimeout, 5*time.Second)
	setDefault(&c.BufferDuration, time.Minute)
	setDefault(&c.RetryDelay, time.Second)
	setDefault(&c.MaxRequestBody, apisixlog.DefaultMaxBody)
	setDefault(&c.MaxResponseBody, apisixlog.DefaultMaxBody)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// WantsRequestBody is how many bytes of the request body the entries hold, 0 for none.
func (c Conf) WantsRequestBody() int {
	if !c.IncludeRequestBody {
		return 0
	}
	return c.withDefaults().MaxRequestBody
}

// WantsResponseBody is how many bytes of the response body the logger collects, 0 for none.
func (c Conf) WantsResponseBody() int {
	if !c.IncludeResponseBody {
		return 0
	}
	return c.withDefaults().MaxResponseBody
}

// checksum is equal for equal configurations: loggers with the same one share a buffer, wherever they are bound.
func (c Conf) checksum() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("rocketlog: a log format holds what JSON can't: " + err.Error())
	}
	return string(text)
}
