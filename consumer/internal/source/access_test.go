package source

import (
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// Without credentials, or with wrong ones, the client starts and nothing arrives: here the source says so, and starts
// no client.
func TestCredentials(t *testing.T) {
	t.Parallel()
	mq := stack.StartRocketMQ(t, stack.RocketMQOptions{
		AccessKey: "admin", SecretKey: "admin-secret",
		BrokerConfig: []string{
			"authenticationEnabled=true",
			"authenticationProvider=org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider",
			"authenticationMetadataProvider=org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider",
			`initAuthenticationUser={"username":"admin","password":"admin-secret"}`,
			`innerClientAuthenticationCredentials={"accessKey":"admin","secretKey":"admin-secret"}`,
			"authorizationEnabled=true",
			"authorizationProvider=org.apache.rocketmq.auth.authorization.provider.DefaultAuthorizationProvider",
			"authorizationMetadataProvider=org.apache.rocketmq.auth.authorization.provider.LocalAuthorizationMetadataProvider",
		},
	})
	topic, group := mq.NewTopic(t, 2), mq.NewGroup(t)
	o := Options{NameServers: mq.NameServers(), Topic: topic, Group: group}

	for _, tc := range []struct{ name, access, secret string }{
		{"none", "", ""},
		{"wrong secret", "admin", "wrong-secret"},
		{"unknown user", "nobody", "admin-secret"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := o
			o.AccessKey, o.SecretKey = tc.access, tc.secret
			r := run(t, o, newMemory().handle)
			eventually(t, 20*time.Second, "refused", func() bool {
				return strings.Contains(strings.Join(r.State().Reasons, ";"), "refuses these credentials")
			})
			told := strings.Join(r.State().Reasons, ";")
			if r.State().Connected || strings.Contains(told, "-secret") || tc.access != "" && strings.Contains(told, tc.access) {
				t.Errorf("connected, or a key is told: %s", told)
			}
		})
	}
	t.Run("right", func(t *testing.T) {
		o := o
		o.AccessKey, o.SecretKey = "admin", "admin-secret"
		m := newMemory()
		r := run(t, o, m.handle)
		eventually(t, 20*time.Second, "ready", func() bool { return r.State().Ready() })
		p := newProducer(t, mq.NameServers(), o.AccessKey, o.SecretKey)
		sendWith(t, p, topic, 0, 10)
		eventually(t, 30*time.Second, "messages", func() bool { return m.count() == 10 })
	})
}
