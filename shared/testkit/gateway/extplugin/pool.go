package extplugin

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"time"
)

// take hands out an idle connection that still lives, else a new one.
func (c *Client) take(ctx context.Context) (net.Conn, error) {
	for {
		c.mu.Lock()
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			break
		}
		conn := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		if alive(conn) {
			return conn, nil
		}
		drop(conn)
	}
	dialer := net.Dialer{Timeout: connectTimeout}
	conn, err := dialer.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, fmt.Errorf("connect to the runner: %w", err)
	}
	return conn, nil
}

// give keeps a connection for the next call, or closes it where enough are idle.
func (c *Client) give(conn net.Conn) {
	unlimited := conn.SetDeadline(time.Time{})
	c.mu.Lock()
	keep := unlimited == nil && !c.closed && len(c.idle) < maxIdle
	if keep {
		c.idle = append(c.idle, conn)
	}
	c.mu.Unlock()
	if !keep {
		drop(conn)
	}
}

// drop closes a connection that nobody waits for any more.
func drop(conn net.Conn) { _ = conn.Close() }

// alive reports whether an idle connection was neither closed nor written to by the runner, as nginx's own pool watches
// for it.
func alive(conn net.Conn) bool {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, peekErr := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = peekErr == syscall.EAGAIN || peekErr == syscall.EWOULDBLOCK
		return true
	})
	return err == nil && quiet
}
