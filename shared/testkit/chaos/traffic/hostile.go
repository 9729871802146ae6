package traffic

import (
	"fmt"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/chaos/truth"
	"gateway-billing.internal/shared/testkit/gateway"
)

// hostile is a request of a client that tries to be somebody else, or nobody. On a route with the runner it must change
// nothing; on one without, its stamp must not be believed, and the request is billed to whom it belongs.
func (c *Clients) hostile(intent *truth.Intent) gateway.Request {
	stolen := c.book.SomeStamp(c.random)
	tricks := []func(*truth.Intent, string) gateway.Request{
		c.repeats, c.spells, c.floods, c.pretends, c.forges, c.forges, c.moves, c.moves,
	}
	if stolen == "" {
		stolen = "v1.none"
	}
	return tricks[c.random.IntN(len(tricks))](intent, stolen)
}

// repeats sends another's stamp, twice, and other billing headers to a route with the runner.
func (c *Clients) repeats(intent *truth.Intent, stolen string) gateway.Request {
	intent.Trick, intent.Unstamped = "repeats", nil
	r := c.post("chat", c.someone(), "")
	r.Header.Add(billingkey.HeaderStamp, stolen)
	r.Header.Add("x-billing-stamp", stolen)
	r.Header.Add(billingkey.HeaderConsumer, "globex")
	r.Header.Add(billingkey.HeaderRequestID, "00000000000000000000000000000001")
	return r
}

// spells does the same with underscores, which nginx reads as the same variable.
func (c *Clients) spells(intent *truth.Intent, stolen string) gateway.Request {
	intent.Trick, intent.Unstamped = "spells", nil
	r := c.post("open", "", "")
	for _, name := range []string{"X_Billing_Stamp", "X-Billing_Stamp", "x_billing-stamp"} {
		r.Header.Add(name, stolen)
	}
	r.Header.Add("X_Billing_Consumer", "globex")
	return r
}

// floods puts its stamp behind 200 headers, where neither the runner nor the log sees it.
func (c *Clients) floods(intent *truth.Intent, stolen string) gateway.Request {
	intent.Trick, intent.Unstamped = "floods", nil
	intent.AnyState = c.profile == OldGateway // the runner's own stamp may stand behind them too
	r := c.post("chat", c.someone(), "")
	for i := range 200 {
		r.Header.Add(fmt.Sprintf("X-Filler-%d", i), "f")
	}
	r.Header.Add("X_Billing_Stamp", stolen)
	r.Header.Add(billingkey.HeaderStamp, stolen)
	return r
}

// pretends to be alice on a route that asks nobody for a key.
func (c *Clients) pretends(intent *truth.Intent, _ string) gateway.Request {
	intent.Trick = "pretends"
	r := c.post("open", "", "")
	r.Header.Add("X-Consumer-Username", "alice")
	return r
}

// forges a stamp of its own on a route without the runner.
func (c *Clients) forges(intent *truth.Intent, stolen string) gateway.Request {
	intent.Trick = "forges"
	r := c.unguarded()
	stamp, state := c.forger.stamp(stolen)
	intent.Unstamped = []string{state}
	r.Header.Add(billingkey.HeaderStamp, stamp)
	return r
}

// moves somebody's real stamp to a route without the runner.
func (c *Clients) moves(intent *truth.Intent, stolen string) gateway.Request {
	intent.Trick, intent.Unstamped = "moves", []string{"id_mismatch", "malformed"}
	if c.profile == OldGateway {
		intent.Unstamped = nil // an anonymous one of the same second can't be told apart
	}
	r := c.unguarded()
	r.Header.Add(billingkey.HeaderStamp, stolen)
	return r
}

func (c *Clients) unguarded() gateway.Request {
	if c.random.IntN(2) == 0 {
		return c.post("plain", c.someone(), "")
	}
	return c.post("plainopen", "", "")
}
