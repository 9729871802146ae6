package upstream

import (
	"strings"
	"testing"
)

func TestByQuery(t *testing.T) {
	usage := Usage{Prompt: 100, Completion: 20, Cached: 7, Reasoning: 3}
	const query = "prompt=100&completion=20&cached=7&reasoning=3"
	for uri, want := range map[string]Answer{
		"/?" + query:               Chat(usage),
		"/?" + query + "&stream=5": Stream(usage, 5),
		"/?status=502":             {Failure: Refused},
	} {
		got := ByQuery(Call{URI: uri})
		if got.Status != want.Status || string(got.Body) != string(want.Body) || got.Failure != want.Failure {
			t.Errorf("%s: %+v", uri, got)
		}
		if want.Usage != nil && *got.Usage != usage {
			t.Errorf("%s: usage %+v, want %+v", uri, got.Usage, usage)
		}
	}
	if got := ByQuery(Call{URI: "/?status=500"}); got.Status != 500 || got.Usage != nil || strings.Contains(string(got.Body), "usage") {
		t.Errorf("status 500: %+v", got)
	}
}
