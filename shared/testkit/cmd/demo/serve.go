package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/stack"
)

// maxRequest bounds the body of a request to the playground.
const maxRequest = 4 << 20

// serve keeps all parts running to play with: the gateway takes requests by HTTP, until ctx ends. What to do with it is
// printed, and written to the file ready where that is named.
func serve(ctx context.Context, o options, out io.Writer) (err error) {
	p, err := startParts(ctx, o, story{io.Discard, time.Now()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(p.gateway), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer func() {
		err = errors.Join(err, server.Close())
		<-failed
		// What the logger still holds belongs to requests that were answered.
		err = errors.Join(err, p.gateway.Flush(context.WithoutCancel(ctx)))
	}()

	text, err := p.instructions(ctx, listener.Addr().String())
	if err != nil {
		return err
	}
	fmt.Fprint(out, text)
	if o.ready != "" {
		if err := os.WriteFile(o.ready, []byte(text), 0o600); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.Remove(o.ready)) }()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			failed <- err
			return err
		case <-tick.C:
			if err := p.consumer.check(); err != nil {
				return err
			}
		}
	}
}

// handler hands HTTP requests to the gateway. Go's server has folded the order and case of header names already.
func handler(g *gateway.Gateway) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request := gateway.Request{Method: r.Method, URI: r.RequestURI, Body: body, Header: nginx.Header{{Name: "Host", Value: r.Host}}}
		for name, values := range r.Header {
			for _, value := range values {
				request.Header.Add(name, value)
			}
		}
		response, err := g.Do(r.Context(), request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		for _, field := range response.Header {
			switch http.CanonicalHeaderKey(field.Name) {
			case "Connection", "Transfer-Encoding", "Content-Length", "Content-Encoding":
			default:
				w.Header().Add(field.Name, field.Value)
			}
		}
		w.WriteHeader(response.Status)
		w.Write(response.Body) //nolint:errcheck // a client that went away
	})
}

// instructions say how to use what runs.
func (p *parts) instructions(ctx context.Context, gateway string) (string, error) {
	api, err := p.consumer.process.API(ctx)
	if err != nil {
		return "", err
	}
	dsn, err := mysql.ParseDSN(p.servers.Database.DSN(p.database))
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(dsn.Addr)
	if err != nil {
		return "", err
	}
	client := "mariadb"
	if own := os.Getenv(stack.ClientEnv); own != "" {
		client = own + " --skip-ssl" // which the private server does not have, and MariaDB's client asks for
	}
	return fmt.Sprintf(`A stand-in for APISIX listens on %[1]s, with billing-runner beside it; billing-consumer records what it logs.

Send a request. The query says what the model answers: prompt=, completion=, cached=, reasoning=, status=; on /v1/stream
also stream=CHUNKS; /open needs no key. key-of-alice and key-of-acme are the APISIX consumers alice and acme.

  curl -i -H 'apikey: key-of-alice' -d '{"model":"gpt-4o-mini","messages":[]}' 'http://%[1]s/v1/chat?prompt=12&completion=8'

What alice used today, by model, a second later: in the terminal, by HTTP, and in the tables:

  %[10]s usage report --config %[8]s --from today --consumer alice --by model

  curl -H 'Authorization: Bearer %[11]s' '%[12]s/v1/usage?from=today&consumer=alice&by=model'

  %[2]s -h%[3]s -P%[4]s -u%[5]s -p%[6]s %[7]s -e '
    SELECT request_time, consumer, route_id, status, model, total_tokens, usage_state, key_state FROM mq_consume_log'

%[12]s/openapi.yaml says what else the API answers; that token may ask for everything. The consumer's configuration is
%[8]s, its log %[9]s.
`, gateway, client, host, port, dsn.User, dsn.Passwd, dsn.DBName, p.consumer.config(), p.consumer.logFile(), p.consumer.binary,
		p.token, api), nil
}
