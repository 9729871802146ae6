package doctor

import (
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// kinds are the collections of a configuration: their names in files and paths of the Admin API, and what an object of
// them is called.
var kinds = []struct {
	collection, kind string
	of               func(*Site) *[]Object
}{
	{"routes", "route", func(s *Site) *[]Object { return &s.Routes }},
	{"services", "service", func(s *Site) *[]Object { return &s.Services }},
	{"plugin_configs", "plugin config", func(s *Site) *[]Object { return &s.PluginConfigs }},
	{"global_rules", "global rule", func(s *Site) *[]Object { return &s.GlobalRules }},
	{"consumers", "consumer", func(s *Site) *[]Object { return &s.Consumers }},
	{"consumer_groups", "consumer group", func(s *Site) *[]Object { return &s.ConsumerGroups }},
}

// maxFile is far more than any configuration has.
const maxFile = 64 << 20

// Read reads a whole configuration in the form of a standalone apisix.yaml, or the same as JSON. The error names the
// place, and not the content: keys stand in configurations.
func Read(r io.Reader) (*Site, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, err
	}
	var file map[string]yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, errors.New("not YAML, or not an object of collections such as routes")
	}
	s := &Site{Metadata: map[string]Conf{}}
	known := false
	for _, k := range kinds {
		node, ok := file[k.collection]
		if !ok {
			continue
		}
		known = true
		var objects []map[string]any
		if err := node.Decode(&objects); err != nil {
			return nil, fmt.Errorf("line %d: %s is not a list of objects", node.Line, k.collection)
		}
		for i, raw := range objects {
			if err := s.add(k.collection, raw); err != nil {
				return nil, fmt.Errorf("%s[%d]: %w", k.collection, i, err)
			}
		}
	}
	if node, ok := file["plugin_metadata"]; ok {
		known = true
		var all []map[string]any
		if err := node.Decode(&all); err != nil {
			return nil, fmt.Errorf("line %d: plugin_metadata is not a list of objects", node.Line)
		}
		for _, conf := range all {
			s.Metadata[Conf(conf).text("id")] = conf
		}
	}
	if !known {
		return nil, errors.New("no collection of APISIX in it, such as routes or plugin_metadata")
	}
	return s, nil
}

// add takes one object of a collection in.
func (s *Site) add(collection string, raw Conf) error {
	for _, k := range kinds {
		if k.collection != collection {
			continue
		}
		o := Object{Kind: k.kind, ID: raw.text("id"), Plugins: map[string]Conf{}, Labels: map[string]string{}}
		if o.ID == "" {
			o.ID = raw.text("username")
		}
		if o.ID == "" {
			o.ID = raw.text("name")
		}
		o.ServiceID, o.PluginConfigID = raw.text("service_id"), raw.text("plugin_config_id")
		plugins, isObject := raw["plugins"].(map[string]any)
		if raw["plugins"] != nil && !isObject {
			return errors.New("plugins is not an object")
		}
		for name, conf := range plugins {
			inner, ok := conf.(map[string]any)
			if !ok {
				return fmt.Errorf("plugins.%s is not an object", name)
			}
			o.Plugins[name] = inner
		}
		if uri := raw.text("uri"); uri != "" {
			o.URIs = append(o.URIs, uri)
		}
		if uris, ok := raw["uris"].([]any); ok {
			for _, uri := range uris {
				o.URIs = append(o.URIs, fmt.Sprint(uri))
			}
		}
		for name, label := range raw.inner("labels") {
			o.Labels[name] = fmt.Sprint(label)
		}
		to := k.of(s)
		*to = append(*to, o)
		return nil
	}
	return fmt.Errorf("no such collection: %s", collection)
}
