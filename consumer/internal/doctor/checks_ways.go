package doctor

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// labelStream is the label of a route whose clients are known to ask for usage in streams, or not to stream.
const labelStream = "billing-stream-usage"

// checkWays looks at what a request of each route goes through.
func checkWays(s *Site, r *report) {
	// A consumer's logger counts with that of the route as one; a global rule's runs besides.
	for _, own := range s.bindingsOf(loggerName, s.Consumers, s.ConsumerGroups, s.GlobalRules) {
		s.boundTwice(r, own.object.String(), own)
	}
	for _, w := range s.ways() {
		at := w.route.String()
		logger, logged := w.find(loggerName)
		stamp, stamped := w.stamp()
		switch {
		case logged && !stamped:
			r.add("logger_without_runner", at, "it is logged, and billing-keys is not bound to it")
		case stamped && !logged:
			r.add("runner_without_logger", at, "billing-keys is bound to it, and rocketmq-logger is not")
		case !logged && len(s.bindings(loggerName)) > 0:
			r.add("route_not_logged", at, "no logger is on its way")
		}
		if own, ok := w.plugins[stamp.plugin]; ok && stamped {
			w.stampedTwice(r, own)
		}
		if own, both := w.plugins[loggerName]; both {
			s.boundTwice(r, at, own)
		}
		if stamped {
			w.checkIdentity(r, stamp)
		}
		if !logged {
			continue
		}
		w.checkAnswers(r, logger)
		w.checkEncodings(r)
		w.checkAuthentication(r)
		for _, name := range answering {
			if b, ok := w.find(name); ok && stamped {
				r.add("plugin_answers_first", b.String(), "it may answer a request itself")
			}
		}
	}
}

// stampedTwice reports a runner that a global rule has stamp before, otherwise: the first stamp is kept.
func (w *way) stampedTwice(r *report, own binding) {
	conf, _ := own.stamps()
	for _, name := range []string{preReqName, postReqName} {
		if global, ok := w.globals[name]; ok {
			if other, stamps := global.stamps(); stamps && other != conf {
				r.add("runner_bound_twice", w.route.String(), "billing-keys is bound by "+own.object.String()+" and otherwise by "+global.object.String())
			}
		}
	}
}

// boundTwice reports a logger that is bound somewhere and by a global rule as well.
func (s *Site) boundTwice(r *report, at string, own binding) {
	for _, global := range s.bindingsOf(loggerName, s.GlobalRules) {
		if global.object == own.object {
			continue
		}
		code := "logger_bound_twice"
		if !s.billed() {
			code += "_unnamed"
		}
		r.add(code, at, "the logger is bound by "+own.object.String()+" and by "+global.object.String())
	}
}

// stamp is the binding that has billing-keys on the way.
func (w *way) stamp() (binding, bool) {
	for _, from := range []map[string]binding{w.plugins, w.globals} {
		for _, name := range []string{postReqName, preReqName} {
			if b, ok := from[name]; ok {
				if _, stamps := b.stamps(); stamps {
					return b, true
				}
			}
		}
	}
	return binding{}, false
}

// checkIdentity looks at where the runner gets its knowledge, and what it makes of idempotency keys.
func (w *way) checkIdentity(r *report, stamp binding) {
	text, _ := stamp.stamps()
	var conf Conf
	_ = json.Unmarshal([]byte(text), &conf) // checkRunnerConf says what is wrong with it
	if conf.text("identity_from") == "headers" {
		rewrite, _ := w.find(rewriteName)
		set := rewrite.conf.sets()
		if header(set, "X-Billing-Request-Id") != "$request_id" || header(set, "X-Billing-Consumer") != "$consumer_name" {
			r.add("runner_headers_not_set", w.route.String(), "no proxy-rewrite on its way sets both headers")
		}
	}
	if conf.text("idempotency_header") != "" && w.tokens() {
		r.add("idempotency_on_tokens", w.route.String(), "idempotency_header is set on a route that is metered by tokens")
	}
}

// header is a header's value, whatever the case of its name.
func header(set Conf, name string) string {
	for key, value := range set {
		if text, ok := value.(string); ok && strings.EqualFold(key, name) {
			return text
		}
	}
	return ""
}

// tokens says whether the route is metered by tokens, as far as its configuration shows.
func (w *way) tokens() bool {
	if _, ok := w.find(aiProxyName, aiMultiName); ok {
		return true
	}
	for _, uri := range w.route.URIs {
		for _, part := range []string{"/chat/completions", "/completions", "/embeddings", "/responses", "/messages", "generateContent", "/converse", "/rerank"} {
			if strings.Contains(uri, part) {
				return true
			}
		}
	}
	return false
}

// checkAnswers looks at whether usage can be read.
func (w *way) checkAnswers(r *report, logger binding) {
	c := logger.conf
	proxy, _ := w.find(aiProxyName, aiMultiName)
	summed := proxy.conf.inner("logging").yes("summaries")
	if c.inner("log_format") != nil {
		return // checkFormats looks at those
	}
	if !c.yes("include_resp_body") {
		if !summed {
			r.add("logger_no_answers", w.route.String(), "include_resp_body of "+logger.String()+" is not true")
		}
		return
	}
	if limit := setting(c, "max_resp_body_bytes"); limit < loggerOptions["max_resp_body_bytes"].standard && !summed {
		r.add("logger_answers_cut", logger.String(), "max_resp_body_bytes is below its default")
	}
	if c["include_resp_body_expr"] != nil && !summed {
		r.add("logger_answers_chosen", logger.String(), "include_resp_body_expr is set")
	}
	asked := proxy.conf.inner("options").inner("stream_options").yes("include_usage")
	if w.tokens() && !summed && !asked && w.route.Labels[labelStream] == "" {
		r.add("stream_without_usage", w.route.String(), "nothing shows that its clients ask for usage when they stream")
	}
}

// checkEncodings looks at who chooses how answers are compressed. ai-proxy asks its provider without the client's choice.
func (w *way) checkEncodings(r *report) {
	_, harmless := w.find(aiProxyName, aiMultiName)
	logged := false
	for _, from := range []map[string]binding{w.plugins, w.globals} {
		logged = logged || from[loggerName].conf.yes("include_resp_body")
		harmless = harmless || from[rewriteName].conf.keepsOut("Accept-Encoding")
	}
	if logged && !harmless {
		r.add("logger_answers_encoded", w.route.String(), "no proxy-rewrite on its way removes the client's Accept-Encoding")
	}
}

// keepsOut says whether a proxy-rewrite removes a client's header, or sets identity in its place, for all requests.
func (c Conf) keepsOut(name string) bool {
	removed, _ := c.inner("headers")["remove"].([]any)
	return c.inner("_meta")["filter"] == nil && (header(c.sets(), name) == "identity" ||
		slices.ContainsFunc(removed, func(v any) bool { text, ok := v.(string); return ok && strings.EqualFold(text, name) }))
}

// sets are the headers that a proxy-rewrite sets. The older form names them directly.
func (c Conf) sets() Conf {
	if set := c.inner("headers").inner("set"); set != nil {
		return set
	}
	return c.inner("headers")
}

// checkAuthentication looks at who is billed.
func (w *way) checkAuthentication(r *report) {
	found := false
	for _, name := range slices.Sorted(maps.Keys(authentication)) {
		b, ok := w.find(name)
		if !ok {
			continue
		}
		found = true
		if authentication[name] && !b.conf.yes("hide_credentials") {
			r.add("credentials_shown", b.String(), "hide_credentials is not true")
		}
	}
	if found {
		return
	}
	reason := "no authentication plugin is on its way"
	for _, name := range strangers {
		if b, ok := w.find(name); ok && b.conf.text("consumer_header") == "" {
			reason = name + " names no APISIX consumer"
		}
	}
	r.add("route_not_authenticated", w.route.String(), reason)
}
