package traffic

import (
	"context"
	"crypto/sha256"
	"sync"
	"testing"

	"gateway-billing.internal/shared/logentry"
	"gateway-billing.internal/shared/testkit/chaos/truth"
	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
)

// sent goes through the whole way of 3000 requests, with a broker that takes everything and no runner.
func sent(t *testing.T, profile Profile, seed uint64) (*truth.Book, [][]byte) {
	t.Helper()
	book := truth.NewBook()
	clients, err := NewClients(seed, profile, book)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var bodies [][]byte
	sink := rocketlog.SenderFunc(func(_ context.Context, m rocketlog.Message) error {
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, m.Body)
		return nil
	})
	routes := Routes("t", profile)
	for i := range routes {
		routes[i].Plugins.PostReq = nil
		if logger := routes[i].Plugins.Logger; logger != nil {
			logger.RetryDelay = 1
		}
	}
	global := Global("t")
	global.Logger.RetryDelay = 1
	g, err := gateway.New(gateway.Config{
		Sender: NewWire(seed, sink, book, "t"), Metadata: Metadata(profile), Routes: routes, Global: global,
		APIKeys: APIKeys, Observe: book.Observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		if _, err := g.Do(t.Context(), clients.Next()); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return book, bodies
}

func TestEachRequestArrivesUnlessItIsWithheldAndPoisonIsInTheBook(t *testing.T) {
	for _, profile := range []Profile{Default, OldGateway} {
		book, bodies := sent(t, profile, 3)
		arrived := map[int64]int{}
		poison := map[truth.PoisonID]bool{}
		for _, body := range bodies {
			parts, err := logentry.Split(body)
			if err != nil {
				poison[truth.PoisonID{Body: sha256.Sum256(body), Entry: -1}] = true
			}
			twins := map[int64]bool{}
			for i, part := range parts {
				id := truth.PoisonID{Body: sha256.Sum256(body), Entry: i}
				if _, bad := book.Poisons()[id]; bad {
					poison[id] = true
					continue
				}
				n := serialIn(part)
				if twins[n] {
					t.Fatalf("request %d twice in one message", n)
				}
				twins[n] = true
				arrived[n]++
			}
		}
		withheld, tricks := 0, map[string]int{}
		for n, request := range book.Requests() {
			tricks[request.Trick]++
			if request.Withheld {
				withheld++
			}
			if (arrived[n] == 0) != request.Withheld {
				t.Errorf("request %d arrived %d times, withheld %t", n, arrived[n], request.Withheld)
			}
		}
		if len(poison) != len(book.Poisons()) || len(poison) < 5 || withheld == 0 || len(tricks) != 7 {
			t.Errorf("%d poison inputs, %d in the book; %d withheld; tricks %v", len(poison), len(book.Poisons()), withheld, tricks)
		}
	}
}

func TestTheSameSeedWritesTheSameRequests(t *testing.T) {
	one, _ := NewClients(5, Default, truth.NewBook())
	two, _ := NewClients(5, Default, truth.NewBook())
	for range 200 {
		if a, b := one.Next(), two.Next(); a.URI != b.URI {
			t.Fatalf("%s and %s", a.URI, b.URI)
		}
	}
}
