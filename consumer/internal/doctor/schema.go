package doctor

import "fmt"

// option is what rocketmq-logger takes under a name.
type option struct {
	form form
	// least of a whole number.
	least int64
	// standard is the default of a whole number.
	standard int64
}

// form is a type of JSON.
type form int

const (
	isText form = iota
	isWhole
	isTruth
	isList
	isObject
)

var formNames = map[form]string{isText: "a text", isWhole: "a whole number", isTruth: "true or false", isList: "a list", isObject: "an object"}

// loggerOptions are the options of rocketmq-logger, those of its batch processor included (APISIX 3.18; log_format_extra
// is not in older ones).
var loggerOptions = map[string]option{
	"nameserver_list":        {form: isList},
	"topic":                  {form: isText},
	"key":                    {form: isText},
	"tag":                    {form: isText},
	"log_format":             {form: isObject},
	"log_format_extra":       {form: isObject},
	"timeout":                {form: isWhole, least: 1, standard: 3},
	"use_tls":                {form: isTruth},
	"access_key":             {form: isText},
	"secret_key":             {form: isText},
	"name":                   {form: isText},
	"meta_format":            {form: isText},
	"include_req_body":       {form: isTruth},
	"include_req_body_expr":  {form: isList},
	"max_req_body_bytes":     {form: isWhole, least: 1, standard: 524288},
	"include_resp_body":      {form: isTruth},
	"include_resp_body_expr": {form: isList},
	"max_resp_body_bytes":    {form: isWhole, least: 1, standard: 524288},
	"batch_max_size":         {form: isWhole, least: 1, standard: 1000},
	"inactive_timeout":       {form: isWhole, least: 1, standard: 5},
	"buffer_duration":        {form: isWhole, least: 1, standard: 60},
	"retry_delay":            {form: isWhole, least: 0, standard: 1},
	"max_retry_count":        {form: isWhole, least: 0, standard: 0},
	"_meta":                  {form: isObject},
}

// loggerRequired must be there.
var loggerRequired = []string{"nameserver_list", "topic"}

// realNames are the options that people write for others; "" is one that there is not.
var realNames = map[string]string{
	"retry_times":           "max_retry_count",
	"max_retry_times":       "max_retry_count",
	"retry_count":           "max_retry_count",
	"retry_interval":        "retry_delay",
	"send_timeout":          "timeout, in seconds",
	"send_timeout_ms":       "timeout, in seconds",
	"enable_msg_batch":      "batch_max_size",
	"batch_size":            "batch_max_size",
	"batch_max_bytes":       "batch_max_size with max_req_body_bytes and max_resp_body_bytes",
	"max_body_size":         "max_req_body_bytes and max_resp_body_bytes",
	"namesrv_addr":          "nameserver_list",
	"name_server":           "nameserver_list",
	"nameservers":           "nameserver_list",
	"include_request_body":  "include_req_body",
	"include_response_body": "include_resp_body",
	"keys":                  "key",
	"tags":                  "tag",
	"max_pending_entries":   "max_pending_entries of the plugin's metadata",
	"producer_group":        "",
	"group":                 "",
	"sync":                  "",
	"async":                 "",
}

// runnerOptions are the options of billing-keys.
var runnerOptions = map[string]form{
	"identity_from": isText, "plain_consumer": isTruth, "response_header": isTruth, "idempotency_header": isText, "dimensions": isObject,
}

// matches says whether a value of JSON or YAML is of the form.
func (f form) matches(v any) bool {
	switch v := v.(type) {
	case string:
		return f == isText
	case bool:
		return f == isTruth
	case int, int64:
		return f == isWhole
	case float64:
		return f == isWhole && v == float64(int64(v))
	case []any:
		return f == isList
	case map[string]any, Conf:
		return f == isObject
	default:
		return false
	}
}

// problem says what is wrong with a value; "" for nothing.
func (o option) problem(v any) string {
	if !o.form.matches(v) {
		return "is not " + formNames[o.form]
	}
	if n := (Conf{"v": v}).whole("v", 0); o.form == isWhole && n < o.least {
		return fmt.Sprintf("is %d, and must be at least %d", n, o.least)
	}
	if list, ok := v.([]any); ok && len(list) == 0 {
		return "is empty"
	}
	return ""
}

// setting is a whole number of a logger's configuration, or its default.
func setting(c Conf, name string) int64 { return c.whole(name, loggerOptions[name].standard) }
