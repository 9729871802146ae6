package gateway

import (
	"context"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// life is one request on its way through the gateway.
type life struct {
	gateway *Gateway
	request Request
	route   *Route // nil when none matched
	x       *nginx.Exchange

	// answer are headers that plugins set before the answer is known.
	answer    nginx.Header
	usage     *upstream.Usage
	stamped   bool
	delivered []byte
}

// run takes the request through APISIX's phases in their order, until one of them answers it.
func (l *life) run(ctx context.Context) {
	for _, answers := range []func(context.Context) bool{
		l.preReq, l.authenticate, l.proxyRewrite, l.readBody, l.postReq, l.notFound, l.proxy,
	} {
		if answers(ctx) {
			return
		}
	}
}

// binding is a place that plugins are bound to.
type binding struct {
	name string
	Plugins
}

// bindings are the places of this request, in the order in which their plugins run.
func (l *life) bindings() []binding {
	all := []binding{{"global", l.gateway.config.Global}}
	if l.route != nil {
		all = append(all, binding{"route/" + l.route.ID, l.route.Plugins})
	}
	return all
}

func (l *life) loggers() []rocketlog.Conf {
	var confs []rocketlog.Conf
	for _, b := range l.bindings() {
		if b.Logger != nil {
			confs = append(confs, *b.Logger)
		}
	}
	return confs
}

func (l *life) preReq(ctx context.Context) bool {
	for _, b := range l.bindings() {
		if b.PreReq != nil && l.external(ctx, b.name+"/pre", *b.PreReq) {
			return true
		}
	}
	return false
}

func (l *life) postReq(ctx context.Context) bool {
	for _, b := range l.bindings() {
		if b.PostReq == nil {
			continue
		}
		if l.external(ctx, b.name+"/post", *b.PostReq) {
			return true
		}
	}
	return false
}

// external runs an external plugin and reports whether that answered the request.
func (l *life) external(ctx context.Context, name string, plugin ExtPlugin) bool {
	action, err := l.gateway.config.Runner.Call(ctx, name, plugin.Conf, l.x)
	if err != nil {
		if !plugin.AllowDegradation {
			l.page(503)
			return true
		}
		return false
	}
	if action.Stop != nil {
		l.stop(*action.Stop)
		return true
	}
	l.stamped = true
	action.ApplyRequest(&l.x.Header)
	action.ApplyAnswer(&l.answer)
	return false
}

func (l *life) stop(stop extplugin.Stop) {
	status := stop.Status
	if status == 0 {
		status = 200
	}
	for _, f := range stop.Header {
		l.answer.Set(f.Name, f.Value)
	}
	l.exit(status, string(stop.Body))
}

// authenticate is key-auth, in APISIX's own words.
func (l *life) authenticate(context.Context) bool {
	if l.route == nil || !l.route.KeyAuth {
		return false
	}
	key := l.x.Header.Get("apikey")
	consumer, known := l.gateway.config.APIKeys[key]
	if !known {
		message := `{"message":"Invalid API key in request"}`
		if key == "" {
			message = `{"message":"Missing API key in request"}`
		}
		l.answer.Add("WWW-Authenticate", `apikey realm="key"`)
		l.exit(401, message+"\n")
		return true
	}
	if l.route.HideCredentials {
		l.x.Header.Del("apikey")
	}
	l.x.Consumer = consumer
	l.x.Header.Set("X-Consumer-Username", consumer)
	return false
}

func (l *life) proxyRewrite(context.Context) bool {
	for _, b := range l.bindings() {
		for _, f := range b.ProxyRewrite {
			value := f.Value
			if len(value) > 0 && value[0] == '$' {
				value, _ = l.x.VarText(value[1:])
			}
			l.x.Header.Set(f.Name, value)
		}
	}
	return false
}

// readBody is the access phase of the loggers: one that wants the request body reads it before the external plugin
// runs, so a client that goes away in it leaves an entry without a stamp (from the source).
func (l *life) readBody(context.Context) bool {
	for _, conf := range l.loggers() {
		if conf.WantsRequestBody() > 0 {
			return l.bodyAborted()
		}
	}
	return false
}

func (l *life) notFound(context.Context) bool {
	if l.route == nil {
		l.exit(404, `{"error_msg":"404 Route Not Found"}`+"\n")
	}
	return l.route == nil
}

func (l *life) truth() Truth {
	t := Truth{
		RequestID: l.x.ID, Start: l.x.Start, URI: l.x.URI, Consumer: l.x.Consumer, Route: l.x.RouteID, Status: l.x.Status,
		Usage: l.usage, Entries: len(l.loggers()), Stamped: l.stamped,
	}
	if l.stamped {
		t.Stamp = l.x.Header.Get(billingkey.HeaderStamp)
	}
	return t
}
