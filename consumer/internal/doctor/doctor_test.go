package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/doctor"
)

// codesOf are the codes that a configuration has, each once.
func codesOf(t *testing.T, text string) []string {
	t.Helper()
	site, err := doctor.Read(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var all []string
	for _, f := range doctor.Examine(site) {
		if f.Object == "" || f.Reason == "" || f.Risk == "" || f.Cure == "" {
			t.Errorf("a finding that does not say all: %+v", f)
		}
		all = append(all, f.Code)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// right is the smallest configuration that has all that billing needs.
const right = `
plugin_metadata:
  - {id: rocketmq-logger, log_format_extra: {billing: {request_id: $request_id, stamp: $http_x_billing_stamp}}}
routes:
  - id: r
    uri: /api/*
    plugins:
      key-auth: {hide_credentials: true}
      proxy-rewrite: {headers: {remove: [Accept-Encoding]}}
      ext-plugin-post-req: {allow_degradation: true, conf: [{name: billing-keys, value: "{}"}]}
      rocketmq-logger: {nameserver_list: ["127.0.0.1:9876"], topic: t, batch_max_size: 2, max_retry_count: 60, include_req_body: true, include_resp_body: true, max_req_body_bytes: 262144}
`

func TestRightConfigurationHasNoFinding(t *testing.T) {
	if got := codesOf(t, right); len(got) != 0 {
		t.Errorf("findings %q", got)
	}
}

// Each row makes one thing of the right configuration wrong, in the smallest way, and nothing else is found; except takes
// findings along that the same cause has.
func TestFindings(t *testing.T) {
	logger := func(add string) []string { return []string{"topic: t,", "topic: t, " + add + ","} }
	rows := []struct {
		code    string
		change  []string // pairs of what is replaced and by what
		besides []string
	}{
		{code: "logger_no_retry", change: []string{"max_retry_count: 60, ", ""}},
		{code: "logger_no_retry", change: []string{"max_retry_count: 60", "max_retry_count: 0"}},
		{code: "logger_short_retry", change: []string{"max_retry_count: 60", "max_retry_count: 10"}},
		{code: "logger_message_too_large", change: []string{"batch_max_size: 2", "batch_max_size: 3"}},
		{code: "logger_message_too_large", change: []string{"batch_max_size: 2, ", ""}},
		{code: "logger_without_runner", change: []string{"      ext-plugin-post-req: {allow_degradation: true, conf: [{name: billing-keys, value: \"{}\"}]}\n", ""}},
		{code: "runner_without_logger", change: []string{"routes:\n", "services:\n  - {id: s, plugins: {rocketmq-logger: {nameserver_list: [\"127.0.0.1:9876\"], topic: t, batch_max_size: 1, max_retry_count: 60}}}\nroutes:\n", "      rocketmq-logger: {name", "      file-logger: {name"}},
		{code: "nothing_logged", change: []string{"rocketmq-logger: {nameserver_list", "file-logger: {nameserver_list"}, besides: []string{"runner_without_logger"}},
		{code: "logger_bound_twice", change: []string{"routes:\n", "global_rules:\n  - {id: g, plugins: {rocketmq-logger: {nameserver_list: [\"127.0.0.1:9876\"], topic: t, batch_max_size: 1, max_retry_count: 60, include_resp_body: true}}}\nconsumers:\n  - {username: a, plugins: {rocketmq-logger: {nameserver_list: [\"127.0.0.1:9876\"], topic: t, batch_max_size: 1, max_retry_count: 60}}}\nroutes:\n", "      rocketmq-logger: {name", "      file-logger: {name"}},
		{code: "metadata_no_billing_stamped", change: []string{"request_id: $request_id", "request_id: $http_x_request_id", "allow_degradation: true", "allow_degradation: false"}},
		{code: "metadata_no_billing", besides: []string{"logger_without_runner"}, change: []string{"log_format_extra", "log_format_other", "routes:\n", "routes:\n  - {id: unstamped, uri: /b, plugins: {key-auth: {hide_credentials: true}, proxy-rewrite: {headers: {remove: [Accept-Encoding]}}, rocketmq-logger: {nameserver_list: [\"127.0.0.1:9876\"], topic: t, batch_max_size: 1, max_retry_count: 60, include_resp_body: true}}}\n", "allow_degradation: true", "allow_degradation: false"}},
		{code: "metadata_no_billing", besides: []string{"runner_degradation_unsaid"}, change: []string{"log_format_extra", "log_format_other", "allow_degradation: true, ", ""}},
		{code: "metadata_no_billing", besides: []string{"runner_headers_not_set"}, change: []string{"log_format_extra", "log_format_other", `value: "{}"`, `value: '{"identity_from":"headers"}'`, "allow_degradation: true", "allow_degradation: false"}},
		{code: "metadata_no_billing", besides: []string{"consumer_not_stamped"}, change: []string{"log_format_extra", "log_format_other", "routes:\n", "consumers: [{username: a, plugins: {ext-plugin-post-req: {conf: []}}}]\nroutes:\n", "allow_degradation: true", "allow_degradation: false"}},
		{code: "runner_degradation_unbilled", change: []string{"log_format_extra", "log_format_other"}, besides: []string{"metadata_no_billing"}},
		{code: "logger_replaces_billing", change: logger("log_format_extra: {node: $hostname}"), besides: []string{"runner_degradation_unbilled"}},
		{code: "logger_replaces_billing", change: logger(`log_format: {msec: $msec, request_time: $request_time, consumer: $consumer_name, status: $status, method: $request_method, uri: $request_uri, resp_body: $resp_body}`), besides: []string{"runner_degradation_unbilled"}},
		{code: "logger_fields_missing", change: logger(`log_format: {billing: {request_id: $request_id, stamp: $http_x_billing_stamp}, msec: $msec, consumer: $consumer_name, status: $status, method: $request_method, uri: $request_uri, resp_body: $resp_body}`)},
		{code: "logger_origin", change: logger("meta_format: origin")},
		{code: "logger_no_answers", change: []string{"include_resp_body: true", "include_resp_body: false"}},
		{code: "logger_answers_cut", change: logger("max_resp_body_bytes: 4096")},
		{code: "logger_answers_chosen", change: logger(`include_resp_body_expr: [["status", "==", 200]]`)},
		{code: "logger_answers_encoded", change: []string{"      proxy-rewrite: {headers: {remove: [Accept-Encoding]}}\n", ""}},
		{code: "logger_answers_encoded", change: []string{"remove: [Accept-Encoding]", "set: {Accept-Encoding: gzip}"}},
		{code: "logger_answers_encoded", change: []string{"remove: [Accept-Encoding]", "remove: [Accept-Language]"}},
		{code: "logger_answers_encoded", change: []string{"remove: [Accept-Encoding]}", "remove: [Accept-Encoding]}, _meta: {filter: [[arg_a, ==, '1']]}"}},
		{code: "stream_without_usage", change: []string{"uri: /api/*", "uri: /v1/chat/completions"}},
		{code: "logger_bound_twice", change: []string{"routes:\n", "global_rules:\n  - {id: g, plugins: {rocketmq-logger: {nameserver_list: [\"127.0.0.1:9876\"], topic: t, batch_max_size: 1, max_retry_count: 60}}}\nroutes:\n"}},
		{
			code: "logger_bound_twice_unnamed", besides: []string{"metadata_no_billing_stamped"},
			change: []string{"routes:\n", "global_rules:\n  - {id: g, plugins: {rocketmq-logger: {nameserver_list: [\"127.0.0.1:9876\"], topic: t, batch_max_size: 1, max_retry_count: 60}}}\nroutes:\n", "log_format_extra", "log_format_other", "allow_degradation: true", "allow_degradation: false"},
		},
		{code: "reference_dangling", change: []string{"    uri: /api/*\n", "    uri: /api/*\n    service_id: gone\n"}},
		{code: "reference_dangling", change: []string{"routes:\n", "routes:\n  - {id: typo, uri: /b, plugin_config_id: biled}\n"}, besides: []string{"route_not_logged"}},
		{code: "route_not_logged", change: []string{"routes:\n", "routes:\n  - {id: other, uri: /b}\n"}},
		{code: "plugin_filtered", change: logger("_meta: {filter: [[arg_log, ==, '1']]}")},
		{code: "plugin_filtered", change: []string{"{hide_credentials: true}", "{hide_credentials: true, _meta: {filter: [[arg_a, ==, '1']]}}"}},
		{code: "consumer_not_logged", change: []string{"routes:\n", "consumers: [{username: a, plugins: {rocketmq-logger: {_meta: {disable: true}}}}]\nroutes:\n"}},
		{code: "consumer_not_stamped", change: []string{"routes:\n", "consumers: [{username: a, plugins: {ext-plugin-post-req: {conf: []}}}]\nroutes:\n"}},
		{code: "runner_bound_twice", change: []string{"routes:\n", "global_rules: [{id: g, plugins: {ext-plugin-post-req: {allow_degradation: true, conf: [{name: billing-keys, value: '{\"plain_consumer\":true}'}]}}}]\nroutes:\n"}},
		{code: "route_not_authenticated", change: []string{"key-auth: {hide_credentials: true}", "openid-connect: {}"}},
		{code: "logger_unknown_option", change: logger("retry_times: 5")},
		{code: "logger_bad_value", change: []string{"topic: t,", "topic: 7,"}},
		{code: "logger_bad_value", change: []string{"topic: t, ", ""}},
		{code: "logger_bad_value", change: logger("inactive_timeout: 0")},
		{code: "logger_bad_value", change: logger("meta_format: json")},
		{code: "logger_bad_value", change: []string{`["127.0.0.1:9876"]`, "[]"}},
		{code: "runner_before_authentication", change: []string{"ext-plugin-post-req: {", "ext-plugin-pre-req: {"}},
		{code: "runner_headers_not_set", change: []string{`value: "{}"`, `value: '{"identity_from":"headers"}'`}},
		{code: "runner_degradation_unsaid", change: []string{"allow_degradation: true, ", ""}},
		{code: "runner_plugin_name", change: []string{"name: billing-keys", "name: billing_keys"}, besides: []string{"logger_without_runner"}},
		{code: "runner_plugin_conf", change: []string{`value: "{}"`, "value: {}"}},
		{code: "runner_plugin_conf", change: []string{`value: "{}"`, `value: "identity_from=var"`}},
		{code: "runner_plugin_conf", change: []string{`value: "{}"`, `value: '{"identity":"var"}'`}},
		{code: "runner_plugin_conf", change: []string{`value: "{}"`, `value: '{"plain_consumer":"yes"}'`}},
		{code: "idempotency_on_tokens", change: []string{`value: "{}"`, `value: '{"idempotency_header":"Idempotency-Key"}'`, "uri: /api/*", "uri: /v1/embeddings, labels: {billing-stream-usage: none}"}},
		{code: "plugin_unknown", change: []string{"routes:\n", "global_rules:\n  - {id: g, plugins: {plugin-config: {id: c}}}\nroutes:\n"}},
		{code: "plugin_answers_first", change: []string{"      key-auth:", "      proxy-cache: {}\n      key-auth:"}},
		{code: "route_not_authenticated", change: []string{"      key-auth: {hide_credentials: true}\n", ""}},
		{code: "credentials_shown", change: []string{"hide_credentials: true", ""}},
	}
	tested := map[string]bool{"topic_missing": true, "topic_not_writable": true, "name_server_away": true, "plugin_not_enabled": true,
		"sample_rejected": true, "sample_weak_key": true, "sample_no_stamp": true, "sample_no_usage": true, "sample_encoded": true, "sample_anonymous": true} // in tests of their own
	for _, row := range rows {
		text := right
		for i := 0; i < len(row.change); i += 2 {
			if !strings.Contains(text, row.change[i]) {
				t.Fatalf("%s: there is no %q to be changed", row.code, row.change[i])
			}
			text = strings.Replace(text, row.change[i], row.change[i+1], 1)
		}
		text = strings.Replace(text, "    uri: /v1/embeddings, labels: {billing-stream-usage: none}", "    uri: /v1/embeddings\n    labels: {billing-stream-usage: none}", 1)
		want := append([]string{row.code}, row.besides...)
		slices.Sort(want)
		if got := codesOf(t, text); !slices.Equal(got, want) {
			t.Errorf("found %q, want %q, in\n%s", got, want, text)
		}
		tested[row.code] = true
	}
	for _, c := range doctor.Codes() {
		if !tested[c.Code] {
			t.Errorf("nothing tests %s", c.Code)
		}
	}
}

// What makes a finding go away, beside what the right configuration has.
func TestWhatIsWellElsewhere(t *testing.T) {
	for name, change := range map[string][]string{
		"headers that proxy-rewrite sets": {
			`value: "{}"`, `value: '{"identity_from":"headers"}'`,
			"headers: {remove", "headers: {set: {X-Billing-Request-Id: $request_id, X-Billing-Consumer: $consumer_name}, remove",
		},
		"pre-req behind authentication": {"ext-plugin-post-req: {", "ext-plugin-pre-req: {_meta: {priority: 2400}, "},
		"summaries of ai-proxy": {
			"include_resp_body: true", "include_resp_body: false",
			"      key-auth:", "      ai-proxy: {provider: openai, logging: {summaries: true}}\n      key-auth:",
		},
		"an encoding of the gateway's own word": {"remove: [Accept-Encoding]", "set: {accept-encoding: identity}"},
		"encodings that a global rule removes": {
			"      proxy-rewrite: {headers: {remove: [Accept-Encoding]}}\n", "",
			"routes:\n", "global_rules: [{id: g, plugins: {proxy-rewrite: {headers: {remove: [accept-encoding]}}}}]\nroutes:\n",
		},
		"encodings that ai-proxy does not ask for":     {"      proxy-rewrite: {headers: {remove: [Accept-Encoding]}}\n", "      ai-proxy: {provider: openai, logging: {summaries: true}}\n"},
		"clients that ask for usage":                   {"uri: /api/*", "uri: /v1/chat/completions\n    labels: {billing-stream-usage: clients}"},
		"each logger with a billing object of its own": {"log_format_extra: {billing", "log_format_other: {billing", "topic: t,", "topic: t, log_format_extra: {billing: {request_id: $request_id, stamp: $http_x_billing_stamp}},"},
		"a logger that is disabled":                    {"routes:\n", "global_rules:\n  - {id: g, plugins: {rocketmq-logger: {topic: t, _meta: {disable: true}}}}\nroutes:\n"},
		"a custom plugin":                              {"      key-auth:", "      our-own-plugin: {}\n      key-auth:"},
		"idempotency keys of orders":                   {`value: "{}"`, `value: '{"idempotency_header":"Idempotency-Key"}'`},
		"a billing object of the logger's own":         {"topic: t,", "topic: t, log_format_extra: {billing: {request_id: $request_id, stamp: $http_x_billing_stamp}, node: $hostname},"},
	} {
		text := right
		for i := 0; i < len(change); i += 2 {
			text = strings.Replace(text, change[i], change[i+1], 1)
		}
		if got := codesOf(t, text); len(got) != 0 {
			t.Errorf("%s: findings %q, in\n%s", name, got, text)
		}
	}
}

// Plugins of a service and of a plugin config count for the route, and what is nearer to it wins.
func TestPluginsAreMergedAsTheGatewayDoes(t *testing.T) {
	shared := strings.Replace(right, "routes:\n  - id: r\n    uri: /api/*\n", "plugin_configs:\n  - id: billed\n", 1)
	if got := codesOf(t, shared+"routes:\n  - {id: r, uri: /api/*, plugin_config_id: billed}\n"); len(got) != 0 {
		t.Errorf("a plugin config: findings %q", got)
	}
	numbered := strings.Replace(shared, "id: billed", "id: 2", 1) + "routes:\n  - {id: 1, uri: /api/*, plugin_config_id: 2}\n"
	if got := codesOf(t, numbered); len(got) != 0 {
		t.Errorf("numbers for ids: findings %q", got)
	}
	if got := codesOf(t, shared+"routes:\n  - {id: r, uri: /api/*, plugin_config_id: billed, plugins: {key-auth: {}}}\n"); !slices.Equal(got, []string{"credentials_shown"}) {
		t.Errorf("the route's own key-auth: findings %q", got)
	}
	if got := codesOf(t, strings.Replace(shared, "plugin_configs:", "services:", 1)+"routes:\n  - {id: r, uri: /api/*, service_id: billed}\n"); len(got) != 0 {
		t.Errorf("a service: findings %q", got)
	}
}

// What is no configuration says where it is wrong, and shows nothing of it.
func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "no collection",
		"{":                             "not YAML",
		"- s3cret":                      "not YAML",
		"routes: s3cret":                "line 1: routes is not a list",
		"routes: [{plugins: [s3cret]}]": "routes[0]: plugins is not an object",
		"routes: [{}, {plugins: {key-auth: s3cret}}]": "routes[1]: plugins.key-auth is not an object",
		"plugin_metadata: s3cret":                     "line 1: plugin_metadata is not a list",
		"apisix: {node_listen: 9080}":                 "no collection",
	} {
		_, err := doctor.Read(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(right)
	f.Add(`{"routes":[{"id":1,"uris":[1],"labels":{"a":1},"plugins":{"rocketmq-logger":{"topic":null,"log_format":{"billing":1}}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		site, err := doctor.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		doctor.Examine(site) // must not panic
	})
}
