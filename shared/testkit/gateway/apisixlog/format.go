package apisixlog

import (
	"strings"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Format describes fields of an entry: a value is a string, where `$name` stands for a variable, or a nested Format.
// Other values stand for themselves.
type Format map[string]any

// maxNesting is how deep APISIX follows nested formats.
const maxNesting = 5

// Custom makes the entry of a logger with a log_format: the described fields, then route_id and service_id over them. A
// variable without a value is left out.
func Custom(x *nginx.Exchange, format Format) Object {
	entry := resolve(x, format, 1)
	if x.Matched {
		entry["route_id"] = x.RouteID
		if x.ServiceID != "" {
			entry["service_id"] = x.ServiceID
		}
	}
	return entry
}

// Extend adds the fields of a log_format_extra to a default entry; it never overrides one.
func Extend(entry Object, x *nginx.Exchange, format Format) {
	for name, value := range resolve(x, format, 1) {
		if entry[name] == nil {
			entry[name] = value
		}
	}
}

func resolve(x *nginx.Exchange, format Format, depth int) Object {
	fields := Object{}
	for name, value := range format {
		switch v := value.(type) {
		case Format:
			if depth < maxNesting {
				fields[name] = resolve(x, v, depth+1)
			}
		case string:
			if variable, ok := strings.CutPrefix(v, "$"); !ok {
				fields[name] = v
			} else if value, ok := x.Var(variable); ok {
				fields[name] = value
			}
		default:
			fields[name] = v
		}
	}
	return fields
}
