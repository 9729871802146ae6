package config_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// Everything that is wrong with the list comes at once, each with the line of its item.
func TestErrorsOfRoutes(t *testing.T) {
	tests := map[string]struct {
		text    string // behind line 6
		environ []string
		want    []string
	}{
		"everything at once": {
			text: `routes:
  - estimate: bytes
  - match: {route_id: "", uri_prefix: v1, host: s3cr3t}
    colour: blue
    meters:
      - {unit: Pages, response_json: $.a}
      - {unit: pages, response_json: pages}
      - unit: pages
        request_json: $.a[
        response_header: X A
      - {unit: request, response_header: X-A}
      - {}
      - {unit: prompt_tokens}
      - {unit: a, header: X-A}
      - {unit: b, response_json: 7}
      - 7
    billable:
      statuses: [200, 2x, s3cr3t]
      methods: [post]
    estimate: guess
  - match: {route_id: r}
    bytes_per_token: 4
  - provider: s3cr3t
`,
			want: []string{
				"billing.yaml:9: routes[1].match.route_id: must not be empty",
				"billing.yaml:9: routes[1].match.host: no such setting",
				"billing.yaml:10: routes[1].colour: no such setting",
				"billing.yaml:20: routes[1].meters[6].header: no such setting",
				"billing.yaml:21: routes[1].meters[7].response_json: must be text: put the value in quotes",
				"billing.yaml:22: routes[1].meters[8]: must be a section with values of its own",
				"billing.yaml:8: routes[0]: matches every request: only the last entry may, those behind it have no effect",
				"billing.yaml:8: routes[0].bytes_per_token: must be 1 to 1048576, not 0",
				"billing.yaml:24: routes[1].billable.statuses: must each be a status such as 402, or a class such as 2xx",
				"billing.yaml:25: routes[1].billable.methods: must each be a method in capital letters, such as POST",
				"billing.yaml:9: routes[1].match.uri_prefix: must begin with /",
				"billing.yaml:12: routes[1].meters[0].unit: must be a lower-case letter, then at most 38 lower-case letters, digits and _",
				"billing.yaml:13: routes[1].meters[1].response_json: must be a path such as $.result.pages or $.items[0]['page-no']",
				"billing.yaml:14: routes[1].meters[2].unit: is given twice in this list",
				"billing.yaml:15: routes[1].meters[2].request_json: must be a path such as $.result.pages or $.items[0]['page-no']",
				"billing.yaml:16: routes[1].meters[2].response_header: must be the name of a header",
				"billing.yaml:14: routes[1].meters[2]: needs one of response_json, request_json and response_header",
				"billing.yaml:17: routes[1].meters[3]: a built-in unit takes no response_json, request_json or response_header",
				"billing.yaml:18: routes[1].meters[4].unit: must be a lower-case letter, then at most 38 lower-case letters, digits and _",
				"billing.yaml:18: routes[1].meters[4]: needs one of response_json, request_json and response_header",
				"billing.yaml:19: routes[1].meters[5].unit: must not end in tokens: these names are the ledger's own",
				"billing.yaml:19: routes[1].meters[5]: needs one of response_json, request_json and response_header",
				"billing.yaml:26: routes[1].estimate: must be one of off, bytes",
				"billing.yaml:28: routes[2].bytes_per_token: has no effect without estimate: bytes",
				"billing.yaml:29: routes[3].provider: must be one of none, openai, anthropic, gemini, bedrock, dashscope, ollama, cohere",
			},
		},
		"too many meters": {
			text: "routes:\n  - meters: [{unit: request}, {unit: tokens}, {unit: request_bytes}, {unit: response_bytes}" +
				strings.Repeat(", {unit: request}", 5) + "]\n",
			want: append([]string{"billing.yaml:8: routes[0].meters: must be at most 8"},
				twice(4, 5, 6, 7, 8)...),
		},
		"no list": {
			text: "routes: {match: s3cr3t}\n",
			want: []string{"billing.yaml:7: routes: must be a list of sections"},
		},
		"no list within": {
			text: "routes:\n  - &a\n    meters: {unit: a}\n  - *a\n",
			want: []string{
				"billing.yaml:9: routes[0].meters: must be a list of sections",
				"billing.yaml:9: routes[1].meters: must be a list of sections",
			},
		},
		"itself": {
			text: "routes: &r\n  - meters: [*r]\n  - *r\n",
			want: []string{
				"billing.yaml:7: routes[0].meters[0]: must be a section with values of its own",
				"billing.yaml:7: routes[1]: must be a section with values of its own",
			},
		},
		"by environment, as in the file": {
			environ: []string{"BILLING_ROUTES=- match: {route_id: r}\n- meters: [{unit: a}]\n- estimate: bytes"},
			want: []string{
				"BILLING_ROUTES:2: routes[1]: matches every request: only the last entry may, those behind it have no effect",
				"BILLING_ROUTES:2: routes[1].meters[0]: needs one of response_json, request_json and response_header",
				"BILLING_ROUTES:3: routes[2].bytes_per_token: must be 1 to 1048576, not 0",
			},
		},
		"no YAML by environment": {
			environ: []string{"BILLING_ROUTES=*s3cr3t"},
			want:    []string{"BILLING_ROUTES: routes: not YAML: a value that begins with * must be in quotes"},
		},
		"the environment in place of the file": {
			text:    "routes:\n  - meters: [{unit: request}]\n",
			environ: []string{"BILLING_ROUTES=\n- meters: [{response_json: $.a}]"},
			want: []string{
				"BILLING_ROUTES:2: routes[0].meters[0].unit: must be a lower-case letter, then at most 38 lower-case letters, digits and _",
			},
		},
		"the environment repairs the file": {
			text:    "routes:\n  - meters: [{unit: 7}]\n  - colour: blue\n",
			environ: []string{`BILLING_ROUTES=[{"meters":[{"unit":"request"}]}]`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, got := load(t, minimal+tt.text, tt.environ...)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestRoutesBecomeRulesInTheirOrder(t *testing.T) {
	cfg, errs := load(t, minimal+`routes:
  - match: {route_id: a, uri_prefix: /v1/}
    meters: [{unit: pages, response_json: $.pages}]
    billable: {statuses: [2xx, 402]}
  - estimate: bytes
    bytes_per_token: 4
`)
	if errs != nil {
		t.Fatal(errs)
	}
	rules := cfg.Routes.Policy()
	if len(rules) != 2 || *rules[0].Match.RouteID != "a" || *rules[0].Match.URIPrefix != "/v1/" || rules[0].Match.ServiceID != nil ||
		rules[1].BytesPerToken != 4 || rules[0].BytesPerToken != 0 {
		t.Errorf("rules %+v", rules)
	}
	if s := rules[0].Billable.Statuses; len(s) != 2 || s[0].From != 200 || s[0].To != 299 || s[1].From != 402 || s[1].To != 402 {
		t.Errorf("statuses %+v", s)
	}
	if m := rules[0].Meters; len(m) != 1 || m[0].Unit != "pages" || m[0].From == nil {
		t.Errorf("meters %+v", m)
	}
}

// twice are the errors of meters that name a unit again.
func twice(meters ...int) (errs []string) {
	for _, i := range meters {
		errs = append(errs, fmt.Sprintf("billing.yaml:8: routes[0].meters[%d].unit: is given twice in this list", i))
	}
	return errs
}
