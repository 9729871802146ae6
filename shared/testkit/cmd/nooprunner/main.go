// Command nooprunner is a plugin runner that does nothing, to measure billing-runner beside: its plugin noop looks at
// nothing, its plugin vars asks the gateway for the two variables that billing-keys asks for.
package main

import (
	"net/http"

	pkgHTTP "github.com/apache/apisix-go-plugin-runner/pkg/http"
	"github.com/apache/apisix-go-plugin-runner/pkg/plugin"
	"github.com/apache/apisix-go-plugin-runner/pkg/runner"
	"go.uber.org/zap/zapcore"
)

// noop is a plugin that lets every request pass as it is.
type noop struct {
	plugin.DefaultPlugin
	name string
	vars []string
}

// Name is the plugin's name.
func (p *noop) Name() string { return p.name }

// ParseConf takes any configuration.
func (p *noop) ParseConf([]byte) (any, error) { return struct{}{}, nil }

// RequestFilter asks for the variables.
func (p *noop) RequestFilter(_ any, _ http.ResponseWriter, r pkgHTTP.Request) {
	for _, name := range p.vars {
		_, _ = r.Var(name)
	}
}

func main() {
	for _, p := range []*noop{{name: "noop"}, {name: "vars", vars: []string{"request_id", "consumer_name"}}} {
		if err := plugin.RegisterPlugin(p); err != nil {
			panic(err)
		}
	}
	runner.Run(runner.RunnerConfig{LogLevel: zapcore.WarnLevel})
}
