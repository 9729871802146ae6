// Package proxies owns the network between the consumers and their database: connections that are cut, and answers that
// come late. Toxiproxy does the work, as a library.
package proxies

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Proxy passes connections to one server.
type Proxy struct{ proxy *toxiproxy.Proxy }

// Start listens on a free loopback port and passes what comes there to upstream.
func Start(upstream string) (*Proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "database", "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", upstream, err)
	}
	return &Proxy{p}, nil
}

// Addr is where it listens; it stays the same.
func (p *Proxy) Addr() string { return p.proxy.Listen }

// Cut breaks every connection, and refuses new ones until Restore.
func (p *Proxy) Cut() { p.proxy.Stop() }

// Restore takes connections again.
func (p *Proxy) Restore() error { return p.proxy.Start() }

// Delay lets every answer come late, until the next Clear.
func (p *Proxy) Delay(latency, jitter time.Duration) error {
	return p.add("latency", map[string]any{"latency": latency.Milliseconds(), "jitter": jitter.Milliseconds()})
}

// Sever breaks each connection once that many bytes of answers went through it, until the next Clear: in the middle of
// an answer, of a commit's too.
func (p *Proxy) Sever(bytes int64) error {
	return p.add("limit_data", map[string]any{"bytes": bytes})
}

func (p *Proxy) add(kind string, attributes map[string]any) error {
	text, err := json.Marshal(map[string]any{"name": kind, "type": kind, "stream": "downstream", "attributes": attributes})
	if err != nil {
		return err
	}
	_, err = p.proxy.Toxics.AddToxicJson(bytes.NewReader(text))
	return err
}

// Clear takes all delays and limits away.
func (p *Proxy) Clear(ctx context.Context) { p.proxy.Toxics.ResetToxics(ctx) }

// Close ends it, and every connection.
func (p *Proxy) Close() error {
	p.proxy.Stop()
	return nil
}
