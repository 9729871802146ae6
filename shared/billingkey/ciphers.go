package billingkey

import (
	"crypto/cipher"
	"sync"
)

// cachedCiphers bounds the derived keys that a set keeps: one an epoch of a runner, about 1 KiB each.
const cachedCiphers = 1024

// cipherID is what a derived key follows from.
type cipherID struct {
	key  *stampKey
	salt [saltLen]byte
}

// cipherCache keeps the derived keys of salts that opened a stamp, the last cachedCiphers of them. Salts that opened
// nothing never come in, so a client that makes them up can't push out the runners' own.
type cipherCache struct {
	mu   sync.RWMutex
	byID map[cipherID]cipher.AEAD
	// ring holds the IDs in the order they came; next is the oldest once it is full.
	ring []cipherID
	next int
}

func newCipherCache() *cipherCache { return &cipherCache{byID: make(map[cipherID]cipher.AEAD)} }

func (c *cipherCache) get(id cipherID) (cipher.AEAD, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	aead, ok := c.byID[id]
	return aead, ok
}

func (c *cipherCache) put(id cipherID, aead cipher.AEAD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byID[id]; ok {
		return
	}
	if len(c.ring) < cachedCiphers {
		c.ring = append(c.ring, id)
	} else {
		delete(c.byID, c.ring[c.next])
		c.ring[c.next] = id
		c.next = (c.next + 1) % cachedCiphers
	}
	c.byID[id] = aead
}
