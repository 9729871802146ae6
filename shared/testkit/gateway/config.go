package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/apisixlog"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// Runner runs the plugins of one binding on a request; *extplugin.Runner and *extplugin.Client are the real ones.
type Runner interface {
	Call(ctx context.Context, binding string, conf extplugin.Conf, x *nginx.Exchange) (extplugin.Action, error)
}

// Config is what an APISIX would read from its configuration.
type Config struct {
	// Runner is needed where any binding of an external plugin exists.
	Runner Runner
	// Sender takes the messages of the loggers, Metadata is rocketmq-logger's.
	Sender   rocketlog.Sender
	Metadata rocketlog.Metadata
	// Routes are matched by their longest prefix; Global is the global rule, which runs for unmatched requests too.
	Routes []Route
	Global Plugins
	// APIKeys maps the value of a client's apikey header to its APISIX consumer.
	APIKeys map[string]string

	// Port is where clients connect (9080); Server is what entries say of the gateway (hostname "gateway", 3.18.0).
	Port   int
	Server apisixlog.Server
	// Observe is told of each request before anything of it is encoded; nil for nobody. It is called from the goroutine
	// of Do.
	Observe func(Truth)
	// Now and Random take the place of the clock and of crypto/rand's reader in tests.
	Now    func() time.Time
	Random io.Reader
}

// Route binds plugins and an upstream to all paths with a prefix.
type Route struct {
	// ID and ServiceID are what entries say; ServiceID may be empty.
	ID, ServiceID string
	Prefix        string
	// KeyAuth asks for an API key; HideCredentials removes it from the request once it was found good.
	KeyAuth, HideCredentials bool
	Plugins                  Plugins
	// Address is the upstream's, as entries say it (127.0.0.1:1980); Upstream answers in its place.
	Address  string
	Upstream upstream.Func
}

// Plugins are bound to one place. A plugin that is bound to the global rule and to the route runs twice.
type Plugins struct {
	// ProxyRewrite sets request headers after authentication; a value `$name` stands for a variable.
	ProxyRewrite nginx.Header
	// PreReq runs before authentication, PostReq after it, last of all.
	PreReq, PostReq *ExtPlugin
	Logger          *rocketlog.Conf
}

// ExtPlugin is the configuration of ext-plugin-pre-req or ext-plugin-post-req.
type ExtPlugin struct {
	Conf extplugin.Conf
	// AllowDegradation lets requests pass without the plugin while the runner does not answer; else they get a 503.
	AllowDegradation bool
}

// BillingKeys binds the runner's plugin billing-keys with this configuration (JSON).
func BillingKeys(conf string) *ExtPlugin {
	return &ExtPlugin{Conf: extplugin.Conf{{Name: "billing-keys", Value: conf}}, AllowDegradation: true}
}

func (c Config) validate() error {
	var errs []error
	for _, route := range c.Routes {
		if !strings.HasPrefix(route.Prefix, "/") {
			errs = append(errs, fmt.Errorf("route %s: prefix %q does not begin with /", route.ID, route.Prefix))
		}
		if route.Upstream == nil {
			errs = append(errs, fmt.Errorf("route %s: no upstream", route.ID))
		}
		errs = append(errs, c.validatePlugins("route "+route.ID, route.Plugins))
	}
	errs = append(errs, c.validatePlugins("global rule", c.Global))
	return errors.Join(errs...)
}

func (c Config) validatePlugins(place string, p Plugins) error {
	if c.Runner == nil && (p.PreReq != nil || p.PostReq != nil) {
		return fmt.Errorf("%s: external plugin without a runner", place)
	}
	if c.Sender == nil && p.Logger != nil {
		return fmt.Errorf("%s: logger without a sender", place)
	}
	return nil
}
