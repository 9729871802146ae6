package doctor

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// names makes a set of names apart by space.
func names(text string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(text) {
		set[name] = true
	}
	return set
}

// Examine judges a configuration. The findings come with the worst first; none is what billing needs.
func Examine(s *Site) []Finding {
	r := &report{}
	for _, check := range []func(*Site, *report){
		checkAnything, checkReferences, checkSwitches, checkPlugins, checkLoggers, checkFormats, checkMetadata, checkRunners, checkRunnerConf, checkWays,
	} {
		check(s, r)
	}
	return r.sorted()
}

// checkAnything looks for a logger at all.
func checkAnything(s *Site, r *report) {
	if len(s.bindings(loggerName)) == 0 {
		r.add("nothing_logged", "the whole configuration", loggerName+" is bound nowhere")
	}
}

// checkReferences looks for routes that name what is not there.
func checkReferences(s *Site, r *report) {
	for i := range s.Routes {
		route := &s.Routes[i]
		if route.PluginConfigID != "" && byID(s.PluginConfigs, route.PluginConfigID) == nil {
			r.add("reference_dangling", route.String(), "there is no plugin config "+route.PluginConfigID)
		}
		if route.ServiceID != "" && byID(s.Services, route.ServiceID) == nil {
			r.add("reference_dangling", route.String(), "there is no service "+route.ServiceID)
		}
	}
}

// checkSwitches looks for what lets some requests pass by the plugins that bill them.
func checkSwitches(s *Site, r *report) {
	for _, b := range s.bindings(append(slices.Sorted(maps.Keys(authentication)), loggerName, preReqName, postReqName)...) {
		if b.conf.inner("_meta")["filter"] != nil {
			r.add("plugin_filtered", b.String(), "_meta.filter lets it run for some requests only")
		}
	}
	for _, objects := range [][]Object{s.Consumers, s.ConsumerGroups} {
		for i := range objects {
			o := &objects[i]
			if conf, ok := o.Plugins[loggerName]; ok && conf.disabled() {
				r.add("consumer_not_logged", o.String(), "it disables "+loggerName)
			}
			for _, name := range []string{preReqName, postReqName} {
				if conf, ok := o.Plugins[name]; ok {
					b := binding{name, o, conf}
					if _, stamps := b.stamps(); conf.disabled() || !stamps {
						r.add("consumer_not_stamped", o.String(), "its "+name+" takes the place of the route's, without "+runnerPlugin)
					}
				}
			}
		}
	}
}

// checkPlugins looks for plugins that there are not.
func checkPlugins(s *Site, r *report) {

	for _, objects := range [][]Object{s.GlobalRules, s.PluginConfigs, s.Services, s.Routes, s.Consumers, s.ConsumerGroups} {
		for i := range objects {
			for _, name := range slices.Sorted(maps.Keys(objects[i].Plugins)) {
				enabled := slices.Contains(s.Enabled, name)
				switch {
				case !known[name] && !enabled && !custom(s, name):
					r.add("plugin_unknown", objects[i].String(), "there is no plugin "+name)
				case s.Enabled != nil && !enabled:
					r.add("plugin_not_enabled", objects[i].String(), name+" is not enabled")
				}

			}
		}
	}
}

// custom says whether a plugin may be one of the operator's own: where nothing lists the plugins that are enabled, a name
// that is not a near miss may be.
func custom(s *Site, name string) bool {
	return s.Enabled == nil && name != "plugin-config" && name != "plugin_config" && !strings.Contains(name, "rocketmq") && !strings.HasPrefix(name, "ext-plugin")
}

// checkLoggers looks at each logger's own settings.
func checkLoggers(s *Site, r *report) {
	for _, b := range s.bindings(loggerName) {
		c, at := b.conf, b.String()
		for _, name := range slices.Sorted(maps.Keys(c)) {
			o, ok := loggerOptions[name]
			if !ok {
				reason := name + " is no option of it"
				if real, hinted := realNames[name]; hinted && real != "" {
					reason += "; the real one is " + real
				} else if hinted {
					reason += ", and there is nothing like it"
				}
				r.add("logger_unknown_option", at, reason)
			} else if problem := o.problem(c[name]); problem != "" {
				r.add("logger_bad_value", at, name+" "+problem)
			}
		}
		for _, name := range loggerRequired {
			if c[name] == nil {
				r.add("logger_bad_value", at, name+" is required")
			}
		}
		retries, delay := setting(c, "max_retry_count"), setting(c, "retry_delay")
		switch {
		case retries == 0:
			r.add("logger_no_retry", at, "max_retry_count is 0"+unset(c, "max_retry_count"))
		case retries*max(delay, 1) < 60:
			r.add("logger_short_retry", at, fmt.Sprintf("%d retries %d s apart are over before a minute", retries, delay))
		}
		if most := largestMessage(c); most > brokerLimit {
			r.add("logger_message_too_large", at, fmt.Sprintf("a message may reach %d MiB", most>>20))
		}
		switch format := c.text("meta_format"); format {
		case "", "default":
		case "origin":
			r.add("logger_origin", at, "meta_format is origin")
		default:
			r.add("logger_bad_value", at, "meta_format is neither default nor origin")
		}
	}
}

// unset says that a value is the default.
func unset(c Conf, name string) string {
	if _, ok := c[name]; ok {
		return ""
	}
	return ", its default"
}

// brokerLimit is the broker's default maxMessageSize.
const brokerLimit = 4 << 20

// entryRest is what an entry holds beside its bodies, headers above all.
const entryRest = 4 << 10

// largestMessage is how large a message may become: JSON doubles a body of quotes or newlines.
func largestMessage(c Conf) int64 {
	bodies := int64(0)
	for option, limit := range map[string]string{"include_req_body": "max_req_body_bytes", "include_resp_body": "max_resp_body_bytes"} {
		if c.yes(option) {
			bodies += setting(c, limit)
		}
	}
	return setting(c, "batch_max_size") * (2*bodies + entryRest)
}

// checkFormats looks at log_format and log_format_extra of loggers and of the metadata.
func checkFormats(s *Site, r *report) {
	metadata := s.Metadata[loggerName]
	for _, b := range s.bindings(loggerName) {
		if extra := b.conf.inner("log_format_extra"); extra != nil && !hasBilling(extra) {
			r.add("logger_replaces_billing", b.String(), "its log_format_extra has no billing object")
		}
		format, where := b.conf.inner("log_format"), b.String()
		if format == nil {
			format, where = metadata.inner("log_format"), "plugin metadata of "+loggerName
		}
		if format == nil {
			continue
		}
		if !hasBilling(format) && format["billing_request_id"] == nil {
			r.add("logger_replaces_billing", where, "its log_format has no billing object")
		}
		var missing []string
		for _, need := range formatNeeds {
			if !slices.ContainsFunc(need.any, func(set []string) bool {
				return !slices.ContainsFunc(set, func(name string) bool { return format[name] == nil })
			}) {
				missing = append(missing, need.what)
			}
		}
		if len(missing) > 0 {
			r.add("logger_fields_missing", where, "its log_format lacks "+strings.Join(missing, ", "))
		}
	}
}

// formatNeeds is what a log_format must have, each in one of several ways.
var formatNeeds = []struct {
	what string
	any  [][]string
}{
	{"the time (msec and request_time)", [][]string{{"start_time"}, {"msec", "request_time"}}},
	{"consumer ($consumer_name)", [][]string{{"consumer"}, {"consumer_name"}}},
	{"status", [][]string{{"status"}}},
	{"method ($request_method)", [][]string{{"method"}, {"request_method"}}},
	{"uri ($request_uri)", [][]string{{"uri"}, {"request_uri"}}},
	{"resp_body", [][]string{{"resp_body"}, {"response_body"}, {"llm_summary"}}},
}

// hasBilling says whether a format has the billing object as the contract wants it.
func hasBilling(format Conf) bool {
	billing := format.inner("billing")
	return billing.text("request_id") == "$request_id" && billing.text("stamp") == "$http_x_billing_stamp"
}

// checkMetadata looks for the gateway's own word on each request.
func checkMetadata(s *Site, r *report) {
	for _, b := range s.bindings(loggerName) {
		// A logger with a form of its own is checkFormats'.
		if b.conf.inner("log_format_extra") == nil && b.conf.inner("log_format") == nil && !s.metadataBills() {
			code := "metadata_no_billing"
			if s.allStamped() {
				code += "_stamped"
			}
			r.add(code, "plugin metadata of "+loggerName, "its log_format_extra has no billing object of request_id and stamp")
			return
		}
	}
}

// metadataBills says whether the metadata has the billing object.
func (s *Site) metadataBills() bool {
	return hasBilling(s.Metadata[loggerName].inner("log_format_extra"))
}

// billed says whether every logger writes the gateway's own word for a request, out of the metadata or by itself.
func (s *Site) billed() bool {
	for _, b := range s.bindings(loggerName) {
		own := b.conf.inner("log_format")
		if own == nil {
			own = b.conf.inner("log_format_extra")
		}
		if own == nil && !s.metadataBills() || own != nil && !hasBilling(own) {
			return false
		}
	}
	return true
}

// allStamped says whether no request is logged without a stamp that names it by itself: the runner is on the way of every logger,
// requests are refused while it is away, and it asks for the request ID (one of a header counts only with the gateway's word).
func (s *Site) allStamped() bool {
	for _, b := range s.bindings(preReqName, postReqName) {
		text, stamps := b.stamps()
		var conf Conf
		_ = json.Unmarshal([]byte(text), &conf) // what can't be read is checkRunnerConf's
		if stamps && (b.conf["allow_degradation"] != false || conf.text("identity_from") == "headers") || !stamps && strings.HasPrefix(b.object.Kind, "consumer") {
			return false
		}
	}
	logged := false
	for _, w := range s.ways() {
		if _, ok := w.find(loggerName); ok {
			if _, stamped := w.stamp(); !stamped {
				return false
			}
			logged = true
		}
	}
	return logged
}
