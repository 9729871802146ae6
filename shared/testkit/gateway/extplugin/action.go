package extplugin

import (
	"strings"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Action is what the runner wants done with a request. The zero Action lets it pass as it is.
type Action struct {
	// Stop ends the request here with this answer; nil lets it go on.
	Stop *Stop
	// Request are changes of the request header, in the order they came.
	Request []Change
	// Answer are headers for the answer to the client.
	Answer nginx.Header
}

// Stop is an answer that the runner gives itself. Status 0 means 200.
type Stop struct {
	Status int
	Header nginx.Header
	Body   []byte
}

// Change sets a header to one value, or deletes it.
type Change struct {
	Name, Value string
	Delete      bool
}

// ApplyRequest changes a request header, one change after the other.
func (a Action) ApplyRequest(h *nginx.Header) {
	for _, c := range a.Request {
		if c.Delete {
			h.Del(c.Name)
		} else {
			h.Set(c.Name, c.Value)
		}
	}
}

// reserved are headers of the answer that APISIX lets no runner set.
var reserved = map[string]bool{
	"connection": true, "content-length": true, "transfer-encoding": true, "location": true, "server": true,
	"www-authenticate": true, "content-encoding": true, "content-type": true, "content-location": true,
	"content-language": true,
}

// ApplyAnswer sets the runner's headers on an answer.
func (a Action) ApplyAnswer(h *nginx.Header) {
	for _, f := range a.Answer {
		if !reserved[strings.ToLower(f.Name)] {
			h.Set(f.Name, f.Value)
		}
	}
}
