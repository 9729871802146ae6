package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/source"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// brokers is one look at name servers and brokers. Each answer comes to a signed request of its own: the client would hide
// a refusal.
type brokers struct {
	*report
	cfg   config.RocketMQ
	creds remoting.Credentials
	// route is the topic's.
	route remoting.Route
	conns map[string]*remoting.Conn
}

// RocketMQ checks name servers, topic, brokers and group.
func RocketMQ(ctx context.Context, cfg config.Config) []Line {
	b := &brokers{report: &report{}, cfg: cfg.RocketMQ, conns: map[string]*remoting.Conn{}, creds: remoting.Credentials{
		AccessKey: cfg.RocketMQ.AccessKey.Reveal(), SecretKey: cfg.RocketMQ.SecretKey.Reveal(), SecurityToken: cfg.RocketMQ.SecurityToken.Reveal(),
	}}
	defer func() {
		for _, conn := range b.conns {
			_ = conn.Close() // nothing was written
		}
	}()
	if b.nameServers(ctx) {
		b.topic()
		if b.brokers(ctx) {
			b.clocks(ctx)
			b.retryTopic(ctx)
			b.dlq(ctx)
			b.members(ctx, b.cfg.Group, b.cfg.Topic, b.cfg.Tag)
			if b.cfg.DLQ {
				b.members(ctx, cmp.Or(b.cfg.DLQGroup, b.cfg.Group+"-dlq"), source.DLQ(b.cfg.Group), "*")
			}
		}
	}
	return b.lines
}

// conn keeps one connection to each server.
func (b *brokers) conn(ctx context.Context, addr string) (*remoting.Conn, error) {
	if conn := b.conns[addr]; conn != nil {
		return conn, nil
	}
	conn, err := remoting.Dial(ctx, addr, b.creds)
	if err == nil {
		b.conns[addr] = conn
	}
	return conn, err
}

// ask asks the name servers for a route, until one knows it.
func (b *brokers) ask(ctx context.Context, topic string) (route remoting.Route, err error) {
	for _, addr := range b.cfg.NameServers {
		conn, dialErr := b.conn(ctx, addr)
		if dialErr != nil {
			err = cmp.Or(err, dialErr)
			continue
		}
		if route, err = conn.Route(ctx, topic); err == nil {
			return route, nil
		}
	}
	return route, err
}

// nameServers reports whether one of them knows the topic.
func (b *brokers) nameServers(ctx context.Context) bool {
	answered, found := 0, false
	for _, addr := range b.cfg.NameServers {
		conn, err := b.conn(ctx, addr)
		var route remoting.Route
		if err == nil {
			route, err = conn.Route(ctx, b.cfg.Topic)
		}
		switch {
		case err == nil:
			b.ok("name_server", "%s answers", addr)
			answered++
			if !found {
				b.route, found = route, true
			}
		case errors.Is(err, remoting.ErrNoTopic):
			b.ok("name_server", "%s answers", addr)
			answered++
		case remoting.Denied(err):
			b.refused("name_server", addr, err)
			answered++
		default:
			// One that answers is enough; whether there is none is known behind the last.
			b.warn("name_server", "start it, or correct rocketmq.name_servers; look whether a firewall is between", "%s: %s", addr, inWords(err))
		}
	}
	if answered == 0 {
		for i := range b.lines {
			b.lines[i].Status = Error
		}
		return false
	}
	if !found {
		b.fail("topic", fmt.Sprintf("create it (mqadmin updateTopic -n %s -c CLUSTER -t %s -r 8 -w 8), or correct rocketmq.topic",
			b.cfg.NameServers[0], b.cfg.Topic), "no name server knows topic %s, or no broker that has it is registered", b.cfg.Topic)
	}
	return found
}

func (b *brokers) topic() {
	wrong := false
	for _, broker := range slices.Sorted(maps.Keys(b.route.Permissions)) {
		cure := fmt.Sprintf("mqadmin updateTopicPerm -n %s -b %s -t %s -p 6", b.cfg.NameServers[0], b.route.Masters[broker], b.cfg.Topic)
		permission := b.route.Permissions[broker]
		if !permission.Read {
			b.fail("topic", cure, "broker %s lets nobody read topic %s: what lies there is not recorded", broker, b.cfg.Topic)
		} else if !permission.Write {
			b.warn("topic", cure, "broker %s lets nobody write to topic %s: the gateway can't send there", broker, b.cfg.Topic)
		}
		wrong = wrong || !permission.Read || !permission.Write
	}
	switch {
	case len(b.route.Queues) == 0 && !wrong:
		b.fail("topic", "give it read queues (mqadmin updateTopic)", "topic %s has no queue that can be read", b.cfg.Topic)
	case !wrong:
		b.ok("topic", "%s: %s on %s", b.cfg.Topic, count(len(b.route.Queues), "queue"), count(len(b.route.Permissions), "broker"))
	}
}

// brokers reports whether one of them lets us read as the group.
func (b *brokers) brokers(ctx context.Context) (usable bool) {
	for _, broker := range slices.Sorted(maps.Keys(b.route.Permissions)) {
		addr := b.route.Masters[broker]
		if addr == "" {
			b.fail("broker", "start its master", "%s: no master of it is registered", broker)
			continue
		}
		i := slices.IndexFunc(b.route.Queues, func(q remoting.Queue) bool { return q.Broker == broker })
		if i < 0 {
			continue // the topic's line says why
		}
		switch err := b.tryPull(ctx, addr, b.route.Queues[i].ID); {
		case err == nil:
			b.ok("broker", "%s (%s) lets group %s read", broker, addr, b.cfg.Group)
			usable = true
		case errors.Is(err, remoting.ErrNoGroup):
			b.fail("broker", fmt.Sprintf("mqadmin updateSubGroup -n %s -b %s -g %s", b.cfg.NameServers[0], addr, b.cfg.Group),
				"%s (%s) does not know group %s, and creates none by itself", broker, addr, b.cfg.Group)
		case remoting.Denied(err):
			b.refused("broker", broker+" ("+addr+")", err)
		default:
			b.fail("broker", "start it; the name server gives out this address (brokerIP1 of broker.conf), so it must be one that this machine reaches",
				"%s (%s): %s", broker, addr, inWords(err))
		}
	}
	return usable
}

func (b *brokers) tryPull(ctx context.Context, addr string, queue int) error {
	conn, err := b.conn(ctx, addr)
	if err != nil {
		return err
	}
	end, err := conn.MaxOffset(ctx, b.cfg.Topic, queue)
	if err != nil {
		return err
	}
	return conn.TryPull(ctx, b.cfg.Group, b.cfg.Topic, b.cfg.Tag, queue, end)
}

// refused tells wrong credentials from missing rights, as far as the server's words do.
func (b *brokers) refused(check, who string, err error) {
	cure := fmt.Sprintf("let the access key subscribe to topic %s and to group %s (with ACL 2.0: mqadmin createAcl, actions Sub and Get)", b.cfg.Topic, b.cfg.Group)
	text := strings.ToLower(err.Error())
	switch {
	case b.cfg.AccessKey == "":
		cure = "it wants credentials: give rocketmq.access_key and rocketmq.secret_key, or their files"
	case strings.Contains(text, "no permission"): // and not who it is
	case strings.Contains(text, "password") || strings.Contains(text, "signature") || strings.Contains(text, "user:") || strings.Contains(text, "authentication"):
		cure = "correct rocketmq.access_key and rocketmq.secret_key: the server knows no such pair"
	}
	told := err.Error() // with the access key, which is as good as a password in some set-ups
	if b.cfg.AccessKey != "" {
		told = strings.ReplaceAll(told, b.cfg.AccessKey.Reveal(), "(secret)")
	}
	b.fail(check, cure, "%s refuses: %s", who, told)
}

// inWords leaves out of a network's error what is another one each time.
func inWords(err error) string {
	var network *net.OpError
	if errors.As(err, &network) {
		return fmt.Sprintf("%s: %v", network.Op, network.Err)
	}
	return err.Error()
}
