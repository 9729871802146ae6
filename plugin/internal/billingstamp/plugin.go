package billingstamp

import (
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	runnerhttp "github.com/apache/apisix-go-plugin-runner/pkg/http"
	runnerplugin "github.com/apache/apisix-go-plugin-runner/pkg/plugin"
	"github.com/rs/zerolog"

	"gateway-billing.internal/plugin/internal/quietlog"
	"gateway-billing.internal/plugin/internal/runnermetrics"
	"gateway-billing.internal/shared/billingkey"
)

// Name is the plugin's name in the configuration of ext-plugin-post-req.
const Name = "billing-keys"

// Options are what a Plugin needs. All are required but the counter and the previous run.
type Options struct {
	// Keys seal the stamps; an empty set leaves them unsealed.
	Keys *billingkey.KeySet
	// Runner is 1 to 255 bytes of UTF-8 and Epoch the run of this process.
	Runner string
	Epoch  billingkey.Epoch
	// Counter numbers the stamps and holds 0; nil for a counter of the plugin's own.
	Counter *atomic.Uint64
	// PreviousEpoch is the run of this runner before this one and PreviousLast its last number; zero when not known.
	PreviousEpoch billingkey.Epoch
	PreviousLast  uint64
	// Now is the clock, Random the source of the seal's salt.
	Now     func() time.Time
	Random  io.Reader
	Metrics *runnermetrics.Metrics
	Log     zerolog.Logger
}

// Plugin stamps requests. It implements the Plugin interface of apisix-go-plugin-runner and is safe for concurrent use.
// A process has one, as it numbers the stamps of its epoch.
type Plugin struct {
	runnerplugin.DefaultPlugin

	keys   *billingkey.KeySet
	sealer *billingkey.Sealer
	runner string
	epoch  billingkey.Epoch
	now    func() time.Time
	counts *runnermetrics.Metrics
	log    zerolog.Logger

	previousEpoch billingkey.Epoch
	previousLast  uint64

	// The kinds of failure that could come with every request.
	unidentified, unstamped, panicked *quietlog.Line
}

// New makes the plugin of this process. It fails when the keys can't seal now.
func New(o Options) (*Plugin, error) {
	sealer, err := billingkey.NewSealer(o.Keys, o.Epoch, o.Random)
	if err != nil {
		return nil, err
	}
	if err := sealer.Ready(o.Now()); err != nil {
		return nil, err
	}
	if o.Counter != nil {
		sealer.CountIn(o.Counter)
	}
	line := func() *quietlog.Line { return quietlog.New(o.Log, o.Now) }
	return &Plugin{
		keys: o.Keys, sealer: sealer, runner: o.Runner, epoch: o.Epoch, now: o.Now, counts: o.Metrics, log: o.Log,
		previousEpoch: o.PreviousEpoch, previousLast: o.PreviousLast,
		unidentified: line(), unstamped: line(), panicked: line(),
	}, nil
}

// Name is the plugin's name.
func (p *Plugin) Name() string { return Name }

// ParseConf reads the configuration of one binding. It never fails, for the runner would skip the plugin on a failure
// and the requests would pass unstripped and unstamped until the configuration is sent anew: what is wrong is logged,
// and its default taken.
func (p *Plugin) ParseConf(in []byte) (any, error) {
	c, problems := parseConf(in)
	p.counts.ConfProblems.Add(float64(len(problems)))
	for _, bad := range problems {
		p.log.Error().Str("plugin", Name).Str("field", bad.field).Str("problem", bad.what).Str("taken", bad.taken).
			Msg("bad plugin configuration")
	}
	return &c, nil
}

// RequestFilter strips the client's billing headers and sets the gateway's. It never ends the request: what fails is
// logged, and the request goes on without a stamp.
func (p *Plugin) RequestFilter(conf any, _ http.ResponseWriter, r runnerhttp.Request) {
	// A panic that got out would cost the gateway its connection, and the request its stripping.
	defer func() {
		if cause := recover(); cause != nil {
			p.counts.Unstamped.WithLabelValues("panic").Inc()
			p.panicked.Error(fmt.Errorf("%v\n%s", cause, debug.Stack()), "panic: request not stamped")
		}
	}()
	c, ok := conf.(*Conf)
	if !ok {
		byDefault := defaultConf()
		c = &byDefault
	}
	h := r.Header().View()
	came := take(h)

	who, err := p.identify(c, r, came)
	if err != nil {
		p.counts.Unstamped.WithLabelValues("identity").Inc()
		p.unidentified.Error(err, "request not stamped: its identity is not known")
		return
	}
	id := who.id.String()
	put(h, billingkey.HeaderRequestID, id)
	if c.PlainConsumer && who.consumer != "" {
		put(h, billingkey.HeaderConsumer, who.consumer)
	}
	if c.ResponseHeader {
		r.RespHeader().Set(billingkey.HeaderRequestID, id)
	}
	text, err := p.stamp(c, r, who, came)
	if err != nil {
		p.counts.Unstamped.WithLabelValues("stamp").Inc()
		p.unstamped.Error(err, "request not stamped")
		return
	}
	put(h, billingkey.HeaderStamp, text)
}
