package billingstamp

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	runnerhttp "github.com/apache/apisix-go-plugin-runner/pkg/http"

	"gateway-billing.internal/shared/billingkey"
)

// stamp gives the text of the request's stamp. Where the plugin is bound twice, the stamp of the first time is kept: it
// has its number already, and a second number would look like a lost request.
func (p *Plugin) stamp(c *Conf, r runnerhttp.Request, who identity, came billingHeaders) (string, error) {
	if text, ok := p.ownStamp(came.stamp, who.id); ok {
		return text, nil
	}
	dims, err := dimensions(c, r)
	if err != nil {
		return "", err
	}
	text, err := p.sealer.Seal(billingkey.Stamp{
		RequestID:      who.id,
		IDSource:       who.source,
		Consumer:       who.consumer,
		Time:           p.now(),
		IdempotencyKey: idempotencyKey(c, r.Header().View()),
		Dimensions:     dims,
		Runner:         p.runner,
		PreviousEpoch:  p.previousEpoch,
		PreviousLast:   p.previousLast,
	})
	if err == nil {
		p.counts.Stamps.Inc()
	}
	return text, err
}

// ownStamp gives the stamp that came along if this very process made it for this very request.
func (p *Plugin) ownStamp(values []string, id billingkey.RequestID) (string, bool) {
	if len(values) != 1 {
		return "", false
	}
	st, state := p.keys.Open(values[0])
	believed := state == billingkey.Verified || state == billingkey.Unsealed && p.keys.Empty()
	if !believed || st.Epoch != p.epoch || st.RequestID != id {
		return "", false
	}
	return values[0], true
}

// idempotencyKey is the single value of the configured header, if a stamp can carry it, else none: half a key would
// take two different requests for one.
func idempotencyKey(c *Conf, h http.Header) string {
	if c.IdempotencyHeader == "" {
		return ""
	}
	values := h[c.IdempotencyHeader]
	if len(values) != 1 || len(values[0]) > billingkey.MaxIdempotencyKey || !utf8.ValidString(values[0]) {
		return ""
	}
	return values[0]
}

func dimensions(c *Conf, r runnerhttp.Request) (map[string]string, error) {
	if len(c.Dimensions) == 0 {
		return nil, nil
	}
	dims := make(map[string]string, len(c.Dimensions))
	for _, d := range c.Dimensions {
		value := strings.Join(r.Header().View()[d.Header], ", ")
		if d.Var != "" {
			v, err := r.Var(d.Var)
			if err != nil {
				return nil, fmt.Errorf("ask for $%s: %w", d.Var, err)
			}
			value = string(v)
		}
		if value != "" {
			dims[d.Name] = value
		}
	}
	return dims, nil
}
