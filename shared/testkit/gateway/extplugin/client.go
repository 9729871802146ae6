package extplugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Conf is the configuration of one binding of ext-plugin-pre-req or ext-plugin-post-req: plugins of the runner in order.
type Conf []PluginConf

// PluginConf names a plugin of the runner; Value is its configuration, JSON in a string.
type PluginConf struct{ Name, Value string }

// APISIX's limits: how long it waits for a runner, and how many idle connections it keeps.
const (
	connectTimeout = time.Second
	CallTimeout    = 60 * time.Second
	maxIdle        = 32
	maxTries       = 3
)

// Client calls a runner that listens on a unix socket. Many calls may run at once, each on a connection of its own.
type Client struct {
	socket  string
	timeout time.Duration

	mu     sync.Mutex
	idle   []net.Conn
	tokens map[string]uint32
	nextID uint32
	closed bool
}

// NewClient makes a client of the runner behind the socket's path. timeout bounds each send and receive of a call;
// APISIX's own is CallTimeout.
func NewClient(socket string, timeout time.Duration) *Client {
	return &Client{socket: socket, timeout: timeout, tokens: map[string]uint32{}}
}

// Call runs one binding's plugins on a request. binding names the place of the binding (a route, a global rule): with
// the configuration it is the key under which the runner keeps that configuration. An error means what APISIX takes for
// "runner not available": not there, hung, cut off, or not understood.
func (c *Client) Call(ctx context.Context, binding string, conf Conf, x *nginx.Exchange) (Action, error) {
	key := confKey(binding, conf)
	var err error
	for range maxTries {
		var action Action
		action, err = c.try(ctx, key, conf, x)
		if !errors.Is(err, errTokenNotFound) {
			return action, err
		}
		c.Forget()
	}
	return Action{}, err
}

// Forget drops what was learned from a runner that is gone: its tokens and the idle connections to it.
func (c *Client) Forget() {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	clear(c.tokens)
	c.mu.Unlock()
	for _, conn := range idle {
		drop(conn)
	}
}

// Close closes the idle connections; calls under way close theirs when they end.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.Forget()
}

func (c *Client) try(ctx context.Context, key string, conf Conf, x *nginx.Exchange) (action Action, err error) {
	conn, err := c.take(ctx)
	if err != nil {
		return Action{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		// A flatbuffer that does not hold what it promises makes the generated code panic.
		if broken := recover(); broken != nil {
			action, err = Action{}, fmt.Errorf("runner: malformed answer: %v", broken)
		}
		if !stop() || err != nil {
			drop(conn)
			return
		}
		c.give(conn)
	}()
	s := session{ctx, conn, c.timeout}
	token, err := c.token(s, key, conf)
	if err != nil {
		return Action{}, err
	}
	return s.call(c.id(), token, x)
}

func (c *Client) token(s session, key string, conf Conf) (uint32, error) {
	c.mu.Lock()
	token, known := c.tokens[key]
	c.mu.Unlock()
	if known {
		return token, nil
	}
	token, err := s.prepare(key, conf)
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	c.tokens[key] = token
	c.mu.Unlock()
	return token, nil
}

func (c *Client) id() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID = (c.nextID + 1) % (1 << 22)
	return c.nextID
}

func confKey(binding string, conf Conf) string {
	sum := sha256.Sum256(fmt.Append(nil, conf))
	return binding + "#" + hex.EncodeToString(sum[:8])
}
