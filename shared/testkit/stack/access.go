package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// AccessControl are the lines of broker.conf of a broker that knows one administrator, and lets nobody else in.
func AccessControl(user, secret string) []string {
	const provider = "org.apache.rocketmq.auth."
	return []string{
		"authenticationEnabled=true",
		"authenticationProvider=" + provider + "authentication.provider.DefaultAuthenticationProvider",
		"authenticationMetadataProvider=" + provider + "authentication.provider.LocalAuthenticationMetadataProvider",
		fmt.Sprintf(`initAuthenticationUser={"username":%q,"password":%q}`, user, secret),
		fmt.Sprintf(`innerClientAuthenticationCredentials={"accessKey":%q,"secretKey":%q}`, user, secret),
		"authorizationEnabled=true",
		"authorizationProvider=" + provider + "authorization.provider.DefaultAuthorizationProvider",
		"authorizationMetadataProvider=" + provider + "authorization.provider.LocalAuthorizationMetadataProvider",
	}
}

// AddUser gives a broker with AccessControl a user, who may read those resources ("Topic:t", "Group:g") and do
// nothing else.
func (r *RocketMQ) AddUser(ctx context.Context, user, secret string, resources ...string) error {
	body, err := json.Marshal(map[string]string{"username": user, "password": secret, "userType": "Normal"})
	if err == nil {
		_, err = r.call(ctx, r.Broker.addr, createUser, map[string]string{"username": user}, body)
	}
	if err != nil {
		return fmt.Errorf("create user %s: %w", user, err)
	}
	type entry struct {
		Resource string   `json:"resource"`
		Actions  []string `json:"actions"`
		Decision string   `json:"decision"`
	}
	var entries []entry
	for _, resource := range resources {
		entries = append(entries, entry{resource, []string{"Sub", "Get"}, "Allow"})
	}
	subject := "User:" + user
	body, err = json.Marshal(map[string]any{
		"subject": subject, "policies": []any{map[string]any{"policyType": "Custom", "entries": entries}},
	})
	if err == nil {
		_, err = r.call(ctx, r.Broker.addr, createACL, map[string]string{"subject": subject}, body)
	}
	if err != nil {
		return fmt.Errorf("allow user %s: %w", user, err)
	}
	return nil
}

// Configure changes lines of a private broker's configuration (name=value) while it runs. It registers with its name server
// anew behind that.
func (r *RocketMQ) Configure(ctx context.Context, lines ...string) error {
	if _, err := r.call(ctx, r.Broker.addr, updateBrokerConfig, nil, []byte(strings.Join(lines, "\n")+"\n")); err != nil {
		return fmt.Errorf("configure the broker: %w", err)
	}
	return nil
}
