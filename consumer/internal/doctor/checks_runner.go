package doctor

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// stamps says whether a binding of an external plugin has billing-keys in it.
func (b *binding) stamps() (conf string, ok bool) {
	for _, p := range b.entries() {
		if p.text("name") == runnerPlugin {
			return p.text("value"), true
		}
	}
	return "", false
}

// entries are the runner's plugins of a binding.
func (b *binding) entries() (all []Conf) {
	list, _ := b.conf["conf"].([]any)
	for _, item := range list {
		if inner, ok := item.(map[string]any); ok {
			all = append(all, inner)
		}
	}
	return all
}

// authPriority is below that of every authentication plugin (2500 and up).
const authPriority = 2400

// checkRunners looks at where the runner is bound and what happens while it is away.
func checkRunners(s *Site, r *report) {
	for _, b := range s.bindings(preReqName, postReqName) {
		if _, ok := b.stamps(); !ok {
			continue
		}
		if b.plugin == preReqName {
			if priority := b.conf.inner("_meta").whole("priority", 12000); priority > authPriority {
				r.add("runner_before_authentication", b.String(), fmt.Sprintf("its priority is %d", priority))
			}
		}
		_, said := b.conf["allow_degradation"]
		switch {
		case !said:
			r.add("runner_degradation_unsaid", b.String(), "allow_degradation is not set")
		case b.conf.yes("allow_degradation") && !s.billed():
			r.add("runner_degradation_unbilled", b.String(), "allow_degradation is true, and the metadata has no billing object")
		}
	}
}

// checkRunnerConf looks at what stands inside the external plugin's conf.
func checkRunnerConf(s *Site, r *report) {
	for _, b := range s.bindings(preReqName, postReqName) {
		for _, p := range b.entries() {
			name := p.text("name")
			if name != runnerPlugin {
				if strings.Contains(strings.ToLower(name), "billing") {
					r.add("runner_plugin_name", b.String(), "conf names "+name)
				}
				continue
			}
			text, isString := p["value"].(string)
			if !isString {
				r.add("runner_plugin_conf", b.String(), "value is not a string")
				continue
			}
			var conf Conf
			if err := json.Unmarshal([]byte(text), &conf); err != nil || conf == nil {
				r.add("runner_plugin_conf", b.String(), "value is not a JSON object in a string")
				continue
			}
			for _, option := range slices.Sorted(maps.Keys(conf)) {
				form, ok := runnerOptions[option]
				switch {
				case !ok:
					r.add("runner_plugin_conf", b.String(), option+" is no option of "+runnerPlugin)
				case !form.matches(conf[option]):
					r.add("runner_plugin_conf", b.String(), option+" is not "+formNames[form])
				}
			}
			if from := conf.text("identity_from"); from != "" && from != "var" && from != "headers" {
				r.add("runner_plugin_conf", b.String(), "identity_from must be var or headers")
			}
		}
	}
}
