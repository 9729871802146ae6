package ledger_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// proxy stands between the ledger and the database. Before a piece from the client is passed on, judge decides on it.
type proxy struct {
	judge func(piece []byte) verdict
	// most is how many bytes of answers a connection carries before it breaks; nil: any number.
	most func() int
	stop sync.WaitGroup
	mu   sync.Mutex
	open []net.Conn
	done bool
	cuts atomic.Int64
}

type verdict int

const (
	pass verdict = iota
	// cut closes the connection instead of passing the piece on.
	cut
	// swallow passes the piece on, waits for the server's answer, and closes the connection in its place.
	swallow
)

// through starts a proxy to the DSN's server and returns the DSN that goes through it.
func through(t *testing.T, dsn string, judge func(piece []byte) verdict) (string, *proxy) {
	t.Helper()
	return throughProxy(t, dsn, &proxy{judge: judge})
}

func throughProxy(t *testing.T, dsn string, p *proxy) (string, *proxy) {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := cfg.Addr
	p.stop.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			p.serve(client, upstream)
		}
	})
	t.Cleanup(func() {
		listener.Close()
		p.mu.Lock()
		p.done = true
		for _, c := range p.open {
			c.Close()
		}
		p.mu.Unlock()
		p.stop.Wait()
	})
	cfg.Addr = listener.Addr().String()
	return cfg.FormatDSN(), p
}

func (p *proxy) serve(client, upstream net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		client.Close()
		upstream.Close()
		return
	}
	p.open = append(p.open, client, upstream)
	var swallowed atomic.Bool
	closeBoth := func() {
		client.Close()
		upstream.Close()
	}
	p.stop.Go(func() {
		defer closeBoth()
		buffer := make([]byte, 1<<20)
		var tail []byte // so that what is looked for may lie across two pieces
		for {
			n, err := client.Read(buffer)
			if err != nil {
				return
			}
			piece := append(tail, buffer[:n]...)
			switch p.judge(piece) {
			case cut:
				p.cuts.Add(1)
				return
			case swallow:
				p.cuts.Add(1)
				swallowed.Store(true)
			}
			tail = bytes.Clone(piece[max(0, len(piece)-16):])
			if _, err := upstream.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	p.stop.Go(func() {
		defer closeBoth()
		buffer := make([]byte, 64<<10)
		carried := 0
		for {
			n, err := upstream.Read(buffer)
			if err != nil || swallowed.Load() {
				return
			}
			if carried += n; p.most != nil && carried > p.most() {
				p.cuts.Add(1)
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
}
