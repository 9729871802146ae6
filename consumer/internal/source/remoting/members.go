package remoting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoMembers: nobody is in the group now.
var ErrNoMembers = errors.New("the group has no members now")

// Members are who is in a consumer group now, as a broker sees them.
type Members struct {
	// Addresses are host:port of each, sorted.
	Addresses []string
	// Broadcasting: each member gets every message, instead of all of them sharing the queues.
	Broadcasting bool
	// Tags are the tag expressions by topic, the group's own retry topic apart. A broker keeps one for the whole group: the
	// last that came.
	Tags map[string]string
}

// Members asks a broker who is in a group. The error is ErrNoMembers where nobody is.
func (c *Conn) Members(ctx context.Context, group string) (Members, error) {
	h, body, err := c.call(ctx, reqGroupMembers, map[string]string{"consumerGroup": group})
	switch {
	case err != nil:
		return Members{}, err
	case h.Code == codeNoMembers:
		return Members{}, ErrNoMembers
	case h.Code != codeSuccess:
		return Members{}, answerError(h)
	}
	var data struct {
		Connections []struct {
			Address string `json:"clientAddr"`
		} `json:"connectionSet"`
		Model         string `json:"messageModel"`
		Subscriptions map[string]struct {
			Tags string `json:"subString"`
		} `json:"subscriptionTable"`
	}
	if err := json.Unmarshal(body, &data); err != nil {
		return Members{}, fmt.Errorf("decode the group's members: %w", err)
	}
	m := Members{Broadcasting: data.Model == "BROADCASTING", Tags: map[string]string{}}
	for _, connection := range data.Connections {
		m.Addresses = append(m.Addresses, connection.Address)
	}
	slices.Sort(m.Addresses)
	for topic, subscription := range data.Subscriptions {
		if !strings.HasPrefix(topic, "%RETRY%") {
			m.Tags[topic] = subscription.Tags
		}
	}
	return m, nil
}
