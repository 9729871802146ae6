package app

import (
	"time"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/replay/topicrange"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// TopicRange says which stretch of the configured topic a replay reads: what run reads of it.
func TopicRange(cfg config.Config, from, to time.Time, say func(string)) topicrange.Options {
	r := cfg.RocketMQ
	return topicrange.Options{
		NameServers: r.NameServers, Topic: r.Topic, Tag: r.Tag, Group: r.Group,
		Credentials: remoting.Credentials{
			AccessKey: r.AccessKey.Reveal(), SecretKey: r.SecretKey.Reveal(), SecurityToken: r.SecurityToken.Reveal(),
		},
		From: from, To: to, Say: say,
	}
}
