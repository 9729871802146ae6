package app

import (
	"time"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/inspect"
	"gateway-billing.internal/consumer/internal/replay/topicrange"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// TopicRange says which stretch of the configured topic a replay reads: what run reads of it.
func TopicRange(cfg config.Config, from, to time.Time, say func(string)) topicrange.Options {
	r := cfg.RocketMQ
	return topicrange.Options{
		NameServers: r.NameServers, Topic: r.Topic, Tag: r.Tag, Group: r.Group,
		Credentials: credentials(r),
		From:        from, To: to, Say: say,
	}
}

// Topic says where the last messages of the configured topic are read.
func Topic(cfg config.Config) inspect.Topic {
	r := cfg.RocketMQ
	return inspect.Topic{NameServers: r.NameServers, Name: r.Topic, Group: r.Group, Credentials: credentials(r)}
}

func credentials(r config.RocketMQ) remoting.Credentials {
	return remoting.Credentials{
		AccessKey: r.AccessKey.Reveal(), SecretKey: r.SecretKey.Reveal(), SecurityToken: r.SecurityToken.Reveal(),
	}
}
