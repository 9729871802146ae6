package traffic

import (
	"fmt"

	"gateway-billing.internal/shared/testkit/chaos/truth"
	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// order is what a client sends until it believes that it arrived: three times under one idempotency key, the first at
// times in vain.
type order struct {
	key, client string
	left        int
}

// order is the next attempt at an order that waits for one, or the first at a new one.
func (c *Clients) order(intent *truth.Intent) gateway.Request {
	var o order
	status := ""
	if len(c.again) > 8 {
		o, c.again = c.again[0], c.again[1:]
	} else {
		o = order{key: fmt.Sprintf("order-%d", c.serial), client: c.someone(), left: 3}
		if c.random.IntN(3) == 0 {
			status = "&status=503"
		}
	}
	if o.left--; o.left > 0 {
		c.again = append(c.again, o)
	}
	request := c.post("order", o.client, status)
	request.Body = []byte(`{"item":7}`)
	request.Header.Add(idempotencyHeader, o.key)
	intent.Order = o.client + " " + o.key
	return request
}

// shop is behind the order route: it takes orders and knows nothing of tokens.
func shop(call upstream.Call) upstream.Answer {
	answer := upstream.ByQuery(call)
	if answer.Usage == nil {
		return answer
	}
	return upstream.Text("your order was taken\n")
}
