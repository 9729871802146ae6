package doctor

import (
	"fmt"
	"maps"
	"slices"
)

// Site is the configuration of a gateway, as far as billing is concerned.
type Site struct {
	Routes, Services, PluginConfigs, GlobalRules, Consumers, ConsumerGroups []Object
	// Metadata is plugin metadata by plugin.
	Metadata map[string]Conf
	// Enabled are the plugins that are enabled; nil where that is not known.
	Enabled []string
}

// Conf is the configuration of a plugin, as JSON has it.
type Conf map[string]any

// Object is one object that plugins are bound to.
type Object struct {
	// Kind is its name for people: route, service, plugin config, global rule, consumer, consumer group.
	Kind, ID                  string
	Plugins                   map[string]Conf
	ServiceID, PluginConfigID string
	URIs                      []string
	Labels                    map[string]string
}

// String names the object.
func (o *Object) String() string { return o.Kind + " " + o.ID }

// binding is a plugin bound to an object.
type binding struct {
	plugin string
	object *Object
	conf   Conf
}

// String names the place.
func (b *binding) String() string { return b.object.String() + ", " + b.plugin }

// bindings are all of a plugin, wherever it is bound. One that is disabled is none.
func (s *Site) bindings(plugins ...string) (all []binding) {
	for _, objects := range [][]Object{s.GlobalRules, s.PluginConfigs, s.Services, s.Routes, s.Consumers, s.ConsumerGroups} {
		for _, name := range plugins {
			all = append(all, s.bindingsOf(name, objects)...)
		}
	}
	return all
}

// bindingsOf are those of a plugin to some objects.
func (*Site) bindingsOf(plugin string, collections ...[]Object) (all []binding) {
	for _, objects := range collections {
		for i := range objects {
			if conf, ok := objects[i].Plugins[plugin]; ok && !conf.disabled() {
				all = append(all, binding{plugin, &objects[i], conf})
			}
		}
	}
	return all
}

// disabled says whether _meta.disable stands in the plugin's configuration.
func (c Conf) disabled() bool {
	meta, _ := c["_meta"].(map[string]any)
	off, _ := meta["disable"].(bool)
	return off
}

// way is what a request of a route goes through.
type way struct {
	route *Object
	// plugins are those of the route, its plugin config and its service, merged as APISIX does: what is nearer to the
	// route counts. globals are those of global rules, which run besides.
	plugins, globals map[string]binding
}

// find is where a plugin is bound on the way, the route's own first.
func (w *way) find(names ...string) (binding, bool) {
	for _, from := range []map[string]binding{w.plugins, w.globals} {
		for _, name := range names {
			if b, ok := from[name]; ok {
				return b, true
			}
		}
	}
	return binding{}, false
}

// ways are those of all routes.
func (s *Site) ways() (all []way) {
	globals := map[string]binding{}
	for i := range s.GlobalRules {
		bind(globals, &s.GlobalRules[i])
	}
	for i := range s.Routes {
		route := &s.Routes[i]
		w := way{route: route, plugins: map[string]binding{}, globals: globals}
		if service := byID(s.Services, route.ServiceID); service != nil {
			bind(w.plugins, service)
		}
		if shared := byID(s.PluginConfigs, route.PluginConfigID); shared != nil {
			bind(w.plugins, shared)
		}
		bind(w.plugins, route)
		all = append(all, w)
	}
	return all
}

func bind(to map[string]binding, o *Object) {
	for _, name := range slices.Sorted(maps.Keys(o.Plugins)) {
		if conf := o.Plugins[name]; !conf.disabled() {
			to[name] = binding{name, o, conf}
		} else {
			delete(to, name)
		}
	}
}

func byID(objects []Object, id string) *Object {
	i := slices.IndexFunc(objects, func(o Object) bool { return o.ID == id })
	if id == "" || i < 0 {
		return nil
	}
	return &objects[i]
}

// whole is a whole number of the configuration, or what stands in for it.
func (c Conf) whole(name string, standard int64) int64 {
	switch v := c[name].(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case float64:
		return int64(v)
	default:
		return standard
	}
}

func (c Conf) yes(name string) bool { return c[name] == true }

func (c Conf) text(name string) string {
	if v, ok := c[name]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// inner is an object of the configuration, nil without one.
func (c Conf) inner(name string) Conf {
	switch v := c[name].(type) {
	case map[string]any:
		return v
	case Conf:
		return v
	default:
		return nil
	}
}
