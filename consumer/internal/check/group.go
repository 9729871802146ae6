package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gateway-billing.internal/consumer/internal/source"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// retryTopic is where the broker keeps what members of the group gave back.
func (b *brokers) retryTopic(ctx context.Context) {
	const check = "retry_topic"
	topic := source.RetryTopic(b.cfg.Group)
	reconsume := b.cfg.OnFailure == "reconsume"
	route, err := b.ask(ctx, topic)
	switch {
	case errors.Is(err, remoting.ErrNoTopic) && !reconsume:
		b.ok(check, "not needed: a message that fails is held (rocketmq.on_failure)")
		return
	case err != nil:
		b.fail(check, fmt.Sprintf("create it (mqadmin updateTopic -n %s -c CLUSTER -t %s -r 1 -w 1), or set rocketmq.on_failure to hold",
			b.cfg.NameServers[0], topic), "%s: %s", topic, inWords(err))
		return
	}
	before := len(b.lines)
	for _, broker := range b.route.Brokers() {
		permission, there := route.Permissions[broker]
		cure := fmt.Sprintf("mqadmin updateTopicPerm -n %s -b %s -t %s -p 6", b.cfg.NameServers[0], b.route.Masters[broker], topic)
		switch {
		case reconsume && !permission.Write:
			b.fail(check, cure+", or set rocketmq.on_failure to hold", "broker %s lets nobody write to %s: a message that is given back would be refused", broker, topic)
		case there && !permission.Read:
			b.warn(check, cure, "broker %s lets nobody read %s: what earlier members gave back is not recorded", broker, topic)
		case reconsume:
			b.retryQueues(ctx, broker)
		}
	}
	if len(b.lines) == before {
		b.ok(check, "%s can be read and written", topic)
	}
}

// retryQueues warns of a group whose messages the broker drops when they are given back.
func (b *brokers) retryQueues(ctx context.Context, broker string) {
	conn, err := b.conn(ctx, b.route.Masters[broker])
	if err != nil {
		return // the broker's line says so
	}
	queues, known, err := conn.RetryQueues(ctx, b.cfg.Group)
	if err == nil && known && queues < 1 {
		b.fail("retry_topic", fmt.Sprintf("mqadmin updateSubGroup -n %s -b %s -g %s -q 1, or set rocketmq.on_failure to hold",
			b.cfg.NameServers[0], b.route.Masters[broker], b.cfg.Group),
			"on broker %s group %s has no retry queues: a message that is given back would be dropped", broker, b.cfg.Group)
	}
}

// dlq is where the broker puts what was given back too often.
func (b *brokers) dlq(ctx context.Context) {
	const check = "dlq"
	topic := source.DLQ(b.cfg.Group)
	route, err := b.ask(ctx, topic)
	switch {
	case errors.Is(err, remoting.ErrNoTopic):
		b.ok(check, "%s is not there: nothing was ever sent to it", topic)
		return
	case err != nil:
		b.warn(check, "look at the name servers", "%s: %s", topic, inWords(err))
		return
	}
	before := len(b.lines)
	for _, broker := range slices.Sorted(maps.Keys(route.Permissions)) {
		if !route.Permissions[broker].Read {
			cure := fmt.Sprintf("mqadmin updateTopicPerm -n %s -b %s -t %s -p 6", b.cfg.NameServers[0], route.Masters[broker], topic)
			if b.cfg.DLQ {
				b.fail(check, cure, "broker %s lets nobody read %s, as older brokers make it", broker, topic)
			} else {
				b.warn(check, cure+", and set rocketmq.dlq to true once", "broker %s lets nobody read %s: what may lie there is not recorded", broker, topic)
			}
		}
	}
	if waiting := b.waiting(ctx, topic, route); waiting > 0 && !b.cfg.DLQ {
		b.warn(check, "set rocketmq.dlq to true to take them in", "%s in %s: nobody records what lies there, unless a consumer with rocketmq.dlq has done so", count(waiting, "message"), topic)
	}
	if len(b.lines) == before {
		b.ok(check, "%s can be read", topic)
	}
}

// waiting counts what a topic holds, as far as its brokers tell.
func (b *brokers) waiting(ctx context.Context, topic string, route remoting.Route) (messages int64) {
	for _, q := range route.Queues {
		conn, err := b.conn(ctx, route.Masters[q.Broker])
		if err != nil {
			continue
		}
		first, firstErr := conn.MinOffset(ctx, topic, q.ID)
		end, endErr := conn.MaxOffset(ctx, topic, q.ID)
		if firstErr == nil && endErr == nil {
			messages += end - max(first, 0)
		}
	}
	return messages
}

// members compares the subscription with what the group's members have now: a broker keeps one for all of them, so where
// they differ, messages are skipped without a word.
func (b *brokers) members(ctx context.Context, group, topic, tag string) {
	const check = "members"
	const cure = "stop those, or take another rocketmq.group: all members of a group must read one topic with one tag expression"
	most, wrong := 0, false
	for _, broker := range b.route.Brokers() {
		conn, err := b.conn(ctx, b.route.Masters[broker])
		if err != nil {
			continue
		}
		m, err := conn.Members(ctx, group)
		if errors.Is(err, remoting.ErrNoMembers) {
			continue
		}
		before := len(b.lines)
		at := strings.Join(m.Addresses, ", ")
		switch {
		case err != nil:
			b.ok(check, "not known: broker %s does not tell these credentials who is in group %s", broker, group)
			wrong = true
			continue
		case m.Broadcasting:
			b.fail(check, cure, "the members of group %s (%s) read as broadcast: the broker keeps no offsets for them", group, at)
		}
		for _, other := range slices.Sorted(maps.Keys(m.Tags)) {
			if other != topic {
				b.fail(check, cure, "members of group %s (%s) read topic %s", group, at, other)
			} else if !sameTags(m.Tags[other], tag) {
				b.fail(check, cure, "members of group %s (%s) read with tag expression %q, and this one would with %q: messages are skipped and lost",
					group, at, m.Tags[other], tag)
			}
		}
		most = max(most, len(m.Addresses)) // each is a member at every broker
		wrong = wrong || len(b.lines) > before
	}
	switch {
	case wrong:
	case most == 0:
		b.ok(check, "group %s has none now", group)
	default:
		b.ok(check, "group %s: %s now, reading as this one would", group, count(most, "member"))
	}
}

// sameTags compares tag expressions as a broker understands them.
func sameTags(a, b string) bool { return slices.Equal(tags(a), tags(b)) }

func tags(expression string) (all []string) {
	for tag := range strings.SplitSeq(expression, "||") {
		if tag = strings.TrimSpace(tag); tag == "" {
			tag = "*"
		}
		all = append(all, tag)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// maxSkew is how far clocks may lie apart: what is asked takes time too.
const maxSkew = 5 * time.Second

// clocks compares the brokers' clocks, where they tell.
func (b *brokers) clocks(ctx context.Context) {
	const check = "broker.clock"
	for _, broker := range b.route.Brokers() {
		conn, err := b.conn(ctx, b.route.Masters[broker])
		if err != nil {
			continue // the broker's line says so
		}
		at, err := conn.Clock(ctx)
		if err != nil {
			b.ok(check, "not known: broker %s does not tell it, or not yet", broker)
			continue
		}
		ahead := time.Until(at).Round(time.Second)
		if ahead.Abs() > maxSkew {
			b.warn(check, ntpCure, "broker %s is %s ahead of this machine: rocketmq.start and replay --from and --to go by its clock", broker, ahead)
		} else {
			b.ok(check, "broker %s: within %s of this machine's", broker, maxSkew)
		}
	}
}
