package stack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"gateway-billing.internal/shared/testkit/stack/internal/artifact"
	"gateway-billing.internal/shared/testkit/stack/internal/remoting"
)

// RocketMQ is a name server with one broker of our own, or any RocketMQ from outside.
type RocketMQ struct {
	NameServer *Server
	Broker     *Server
	client     remoting.Client
}

// RocketMQOptions are what a private RocketMQ may differ in.
type RocketMQOptions struct {
	// BrokerConfig are further lines of broker.conf (name=value); they win over the package's own.
	BrokerConfig []string
	// BrokerJVM are the options of the broker's JVM in place of the package's own, with which it starts fast, takes little
	// memory and is slow.
	BrokerJVM []string
	// AccessKey and SecretKey sign the requests of this package, for a broker whose BrokerConfig asks for it.
	AccessKey, SecretKey string
}

func prepareRocketMQ(ctx context.Context, cache *artifact.Cache) (run javaServer, err error) {
	if run.jars, err = cache.RocketMQ(ctx); err == nil {
		run.java, err = artifact.Java(ctx)
	}
	if err != nil {
		err = fmt.Errorf("RocketMQ: %w (or set %s to a name server)", err, NameServerEnv)
	}
	return run, err
}

// newRocketMQ starts a private name server and broker with their data under dir.
func newRocketMQ(ctx context.Context, cache *artifact.Cache, dir string, options RocketMQOptions) (*RocketMQ, error) {
	run, err := prepareRocketMQ(ctx, cache)
	if err != nil {
		return nil, err
	}
	mq := &RocketMQ{client: remoting.Client{AccessKey: options.AccessKey, SecretKey: options.SecretKey}}
	err = onFreePorts(func() error {
		nameServerPort, err := freePort()
		if err != nil {
			return err
		}
		// The broker also listens on the port two below its own, and for replicas on the next one (on all addresses: it has
		// no option for that).
		brokerPort, err := freePort(-2, 1)
		if err != nil {
			return err
		}
		mq.NameServer, err = run.nameServer(filepath.Join(dir, "namesrv"), nameServerPort, mq.nameServerReady)
		if err != nil {
			return err
		}
		mq.Broker, err = run.broker(filepath.Join(dir, "broker"), brokerPort, mq.NameServer.addr, options, mq.brokerReady)
		if err != nil {
			return err
		}
		err = together(ctx, mq.NameServer.Start, mq.Broker.Start)
		if err == nil && mq.NameServer.dead() {
			// It was another one that answered on its port.
			err = fmt.Errorf("the name server %w\n%s", errEnded, mq.NameServer.lastLines())
		}
		if err != nil {
			return errors.Join(err, mq.discard())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return mq, nil
}

func (r *RocketMQ) discard() error {
	return errors.Join(r.Broker.discard(), r.NameServer.discard())
}

// nameServerReady: it answers, and a broker that runs is registered, as it is not by itself for up to 10 s after the
// name server came back.
func (r *RocketMQ) nameServerReady(ctx context.Context) error {
	if _, err := r.clusterBrokers(ctx); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if r.registerBroker(short) != nil {
		return nil // no broker runs yet, or none that answers
	}
	return r.brokerRegistered(ctx)
}

// brokerReady: the name server tells of the broker. What the broker itself says is no proof: in many starts its first
// registration fails, and the next would be tried 10 s later.
func (r *RocketMQ) brokerReady(ctx context.Context) error {
	if err := r.registerBroker(ctx); err != nil {
		return err
	}
	return r.brokerRegistered(ctx)
}

// externalRocketMQ uses the RocketMQ that its name servers tell of; source says where their addresses come from.
func externalRocketMQ(ctx context.Context, addrs, source string) (*RocketMQ, error) {
	mq := &RocketMQ{
		NameServer: &Server{name: "name server", addr: addrs, external: source},
		Broker:     &Server{name: "broker", external: source},
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	brokers, err := mq.clusterBrokers(ctx)
	if err == nil && len(brokers) == 0 {
		err = errors.New("no broker is registered")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	mq.Broker.addr = brokers[0].addr
	return mq, nil
}
