package traffic

import (
	"fmt"
	"math/rand/v2"

	"gateway-billing.internal/shared/testkit/chaos/truth"
	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Clients write the requests. They are not safe for concurrent use: one goroutine asks for the next.
type Clients struct {
	random  *rand.Rand
	book    *truth.Book
	profile Profile
	forger  *forger
	serial  int64
	// again are attempts at orders that are still to be made.
	again []order
}

// NewClients makes the clients of one seed.
func NewClients(seed uint64, profile Profile, book *truth.Book) (*Clients, error) {
	random := rand.New(rand.NewPCG(seed, 1))
	f, err := newForger(random)
	return &Clients{random: random, book: book, profile: profile, forger: f}, err
}

// Next is the next request. The book knows of it when it comes.
func (c *Clients) Next() gateway.Request {
	c.serial++
	intent := truth.Intent{Serial: c.serial, Unstamped: []string{"absent"}}
	var request gateway.Request
	switch kind := c.random.IntN(100); {
	case kind < 26:
		request = c.post("chat", c.someone(), c.odd())
	case kind < 42:
		request = c.post("stream", c.someone(), "&stream=4")
		if c.random.IntN(8) == 0 {
			request.Abort, request.AbortAfter = gateway.AbortMidStream, 1e8
		}
	case kind < 52:
		request = c.post("bare", c.someone(), "")
	case kind < 62:
		request = c.post("format", c.someone(), "")
	case kind < 72:
		request = c.post("open", "", c.odd())
	case kind < 79:
		request = c.post("plain", c.someone(), "")
	case kind < 84:
		request = c.post("plainopen", "", "")
	case kind < 90:
		request = c.order(&intent)
	case kind < 92:
		intent.Withheld = true
		request = c.post("lost", c.someone(), "")
	case kind < 94:
		request = c.post("chat", "no-such-key", "")
	case kind < 95:
		request = c.post("nowhere", "", "")
	default:
		request = c.hostile(&intent)
	}
	c.book.Intend(intent)
	return request
}

// someone is the key of one of the APISIX consumers.
func (c *Clients) someone() string {
	return []string{"key-of-acme", "key-of-globex", "key-of-alice"}[c.random.IntN(3)]
}

// odd makes one in twelve requests fail.
func (c *Clients) odd() string {
	return map[int]string{0: "&status=502", 1: "&status=429", 2: "&status=500"}[c.random.IntN(36)]
}

// post is an honest request; the query says what the upstream answers.
func (c *Clients) post(route, key, more string) gateway.Request {
	prompt, completion := 10+c.random.Int64N(2000), 1+c.random.Int64N(500)
	request := gateway.Request{
		Method: "POST",
		URI: fmt.Sprintf("/%s/v1?n=%d&prompt=%d&completion=%d&cached=%d&reasoning=%d%s",
			route, c.serial, prompt, completion, c.random.Int64N(prompt), c.random.Int64N(completion), more),
		Header: nginx.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "chaos"}},
		Body:   []byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`),
	}
	if route == "stream" {
		request.Body = []byte(`{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[]}`)
	}
	if key != "" {
		request.Header.Add("apikey", key)
	}
	return request
}
