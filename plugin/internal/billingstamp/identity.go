package billingstamp

import (
	"fmt"

	runnerhttp "github.com/apache/apisix-go-plugin-runner/pkg/http"

	"gateway-billing.internal/shared/billingkey"
)

// The variables of the gateway that name a request and its APISIX consumer. Who asks for the first asks for the second behind
// it, unless the first can't be used.
const (
	RequestIDVar = "request_id"
	ConsumerVar  = "consumer_name"
)

// identity is who sent which request.
type identity struct {
	id     billingkey.RequestID
	source billingkey.IDSource
	// consumer is the APISIX consumer, empty for an anonymous request.
	consumer string
}

// identify learns the identity as the configuration says.
//
// From var it asks the gateway for $request_id and $consumer_name. From headers it takes what the
// gateway's proxy-rewrite wrote over the client's billing headers. A request ID there that is not single and
// well-formed means that nothing was written over, so the APISIX consumer beside it may be the client's as well: both
// are asked for. An absent or odd APISIX consumer alone is asked for; a single empty one is an anonymous request.
func (p *Plugin) identify(c *Conf, r runnerhttp.Request, came billingHeaders) (who identity, err error) {
	if c.IdentityFrom == billingkey.IDFromHeaders && len(came.requestID) == 1 {
		if who.id, err = billingkey.ParseRequestID(came.requestID[0]); err == nil {
			who.source = billingkey.IDFromHeaders
			if len(came.consumer) == 1 && isConsumer(came.consumer[0]) {
				who.consumer = came.consumer[0]
				return who, nil
			}
			who.consumer, err = askConsumer(r)
			return who, err
		}
	}
	who.source = billingkey.IDFromVar
	id, err := r.Var(RequestIDVar)
	if err != nil {
		return who, fmt.Errorf("ask for $request_id: %w", err)
	}
	if who.id, err = billingkey.ParseRequestID(string(id)); err != nil {
		return who, fmt.Errorf("$request_id: %w", err)
	}
	who.consumer, err = askConsumer(r)
	return who, err
}

func askConsumer(r runnerhttp.Request) (string, error) {
	name, err := r.Var(ConsumerVar)
	if err != nil {
		return "", fmt.Errorf("ask for $consumer_name: %w", err)
	}
	return string(name), nil
}

// isConsumer reports whether s is empty or has the form that APISIX demands of an APISIX consumer's name.
func isConsumer(s string) bool {
	return s == "" || consistsOf(s, billingkey.MaxConsumer, func(c byte) bool { return isVarByte(c) || c == '-' })
}
