package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Admin is a live Admin API of APISIX 3.
type Admin struct {
	// URL is its address, such as http://127.0.0.1:9180.
	URL string
	// Key is sent as X-API-KEY, and shown nowhere.
	Key string
}

// adminClient follows no redirect: the key would go along to whatever host it names.
var adminClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// adminTimeout bounds each request.
const adminTimeout = 10 * time.Second

// Read reads the configuration. The error says which path failed and how, without the key.
func (a Admin) Read(ctx context.Context) (*Site, error) {
	base, err := url.Parse(a.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("the Admin API's address must be like http://127.0.0.1:9180")
	}
	s := &Site{Metadata: map[string]Conf{}}
	for _, k := range kinds {
		var answer struct {
			List *[]struct {
				Value map[string]any `json:"value"`
			} `json:"list"`
		}
		found, err := a.get(ctx, base, k.collection, &answer)
		if err != nil {
			return nil, err
		}
		if !found || answer.List == nil {
			// Empty collections are empty lists: without one this is no Admin API of APISIX 3, and nothing found would say nothing.
			return nil, fmt.Errorf("admin API, %s: no list of them: is this the Admin API of an APISIX 3?", k.collection)
		}
		for i, item := range *answer.List {
			if err := s.add(k.collection, item.Value); err != nil {
				return nil, fmt.Errorf("%s[%d]: %w", k.collection, i, err)
			}
		}
	}
	var metadata struct {
		Value map[string]any `json:"value"`
	}
	found, err := a.get(ctx, base, "plugin_metadata/"+loggerName, &metadata)
	if err != nil {
		return nil, err
	}
	if found {
		s.Metadata[loggerName] = metadata.Value
	}
	if _, err := a.get(ctx, base, "plugins/list", &s.Enabled); err != nil {
		return nil, err
	}
	return s, nil
}

// get asks for a path; false where there is nothing.
func (a Admin) get(ctx context.Context, base *url.URL, path string, into any) (found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	fail := func(problem string) (bool, error) { return false, fmt.Errorf("admin API, %s: %s", path, problem) }
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("apisix/admin", path).String(), nil)
	if err != nil {
		return fail("not a request")
	}
	request.Header.Set("X-API-KEY", a.Key)
	response, err := adminClient.Do(request)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the address, which may hold a password
		}
		return fail(err.Error())
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotFound:
		return false, nil
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return fail("it refuses the key: " + response.Status)
	case response.StatusCode != http.StatusOK:
		return fail(response.Status)
	case !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json"):
		return fail("the answer is not JSON: is this the Admin API?")
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxFile)).Decode(into); err != nil {
		return fail("the answer is not what an Admin API of APISIX 3 gives")
	}
	return true, nil
}
