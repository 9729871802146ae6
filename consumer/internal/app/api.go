package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/source"
)

// apiConns is how many connections to the database the API has. They are its own, so that no question keeps the flow waiting.
const apiConns = 5

// httpAPI is the HTTP API with what it is made of.
type httpAPI struct {
	server *api.Server
	store  *ledger.Store
	cfg    config.API
	cert   atomic.Pointer[tls.Certificate]
	log    zerolog.Logger
}

// listenAPI takes the API's address, nil where it is off.
func listenAPI(cfg config.Config, deriver *pipeline.Deriver, registry prometheus.Registerer, log zerolog.Logger) (*httpAPI, error) {
	if cfg.API.Listen == "" {
		return nil, nil
	}
	a := &httpAPI{cfg: cfg.API, log: log}
	tokens, err := apitoken.ReadFile(cfg.API.TokensFile)
	if err != nil {
		return nil, fmt.Errorf("api.tokens_file: %w", err)
	}
	var encryption *tls.Config
	if cfg.API.CertFile != "" {
		if err := a.readCert(); err != nil {
			return nil, err
		}
		encryption = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.cert.Load(), nil
		}}
	}
	options := ledgerOptions(cfg, log, nil)
	options.Observer = nil // its redrives are no part of the flow's metrics
	options.MaxConns = apiConns
	options.Timeout = cfg.API.QueryLimit + 5*time.Second // a slow answer is not a lost connection
	// Whoever asked is gone by then, and the server would go on.
	options.StatementLimit = cfg.API.QueryLimit + time.Second
	if a.store, err = ledger.Open(options); err != nil {
		return nil, err
	}
	a.server, err = api.Listen(api.Options{
		Address: cfg.API.Listen, TLS: encryption, Store: a.store, Redrive: deriver.Redrive, Progress: progressOf(cfg),
		LogDelay: cfg.API.LogDelay, LongestRequest: cfg.API.LongestRequest, RequestsPerSecond: cfg.API.RequestsPerSecond, QueryLimit: cfg.API.QueryLimit,
		Registry: registry, Log: log,
	}, tokens)
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	scheme := "https"
	if encryption == nil {
		scheme = "http"
		if !config.Loopback(a.server.Address()) {
			log.Warn().Msg("the API is served without TLS on an address that others reach: put a proxy that ends TLS before it")
		}
	}
	log.Info().Str("address", a.server.Address()).Str("scheme", scheme).Int("tokens", tokens.Len()).Msg("serving the HTTP API")
	return a, nil
}

// serve answers until ctx ends.
func (a *httpAPI) serve(ctx context.Context) error {
	return errors.Join(a.server.Serve(ctx), a.store.Close())
}

// reload reads tokens and certificate again at each SIGHUP, until ctx ends. What can't be read changes nothing.
func (a *httpAPI) reload(ctx context.Context) {
	atHangup(ctx, func() {
		if tokens, err := apitoken.ReadFile(a.cfg.TokensFile); err != nil {
			a.log.Error().Err(err).Msg("tokens of the API: the new ones can't be read; the old ones stay")
		} else {
			a.server.ReplaceTokens(tokens)
			a.log.Info().Int("tokens", tokens.Len()).Msg("tokens of the API: read again")
		}
		if a.cfg.CertFile == "" {
			return
		}
		if err := a.readCert(); err != nil {
			a.log.Error().Err(err).Msg("certificate of the API: the new one can't be read; the old one stays")
		} else {
			a.log.Info().Msg("certificate of the API: read again")
		}
	})
}

func (a *httpAPI) readCert() error {
	cert, err := tls.LoadX509KeyPair(a.cfg.CertFile, a.cfg.KeyFile)
	if err != nil {
		return fmt.Errorf("api.cert_file: %w", err)
	}
	a.cert.Store(&cert)
	return nil
}

// progressOf asks how far the group is, where that can be known.
func progressOf(cfg config.Config) func(context.Context) (source.Progress, error) {
	options := sourceOptions(cfg)
	if options.Reconsume {
		return func(context.Context) (source.Progress, error) {
			return source.Progress{}, fmt.Errorf("%w with rocketmq.on_failure: reconsume, where messages may lie with the broker that no queue shows",
				api.ErrProgressUnknown)
		}
	}
	return func(ctx context.Context) (source.Progress, error) {
		progress, err := source.AskProgress(ctx, options)
		if err != nil {
			return progress, err
		}
		if cfg.RocketMQ.DLQ {
			dlq, err := source.AskProgress(ctx, dlqOptions(cfg))
			if err != nil && !errors.Is(err, source.ErrNoTopic) { // a group without a DLQ is as it should be
				return progress, err
			}
			progress.Queues = append(progress.Queues, dlq.Queues...)
		}
		return progress, givenBack(progress, options.Topic)
	}
}

// givenBack is an error where messages of another topic than the group's own are not recorded: the broker stored them anew when
// they were given back, and nobody tells when they came first.
func givenBack(p source.Progress, topic string) error {
	for _, q := range p.Queues {
		if q.Topic != topic && q.Unrecorded() > 0 {
			return fmt.Errorf("%w while messages that were given back to a broker are not recorded", api.ErrProgressUnknown)
		}
	}
	return nil
}
