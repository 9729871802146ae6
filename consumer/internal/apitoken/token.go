// Package apitoken owns the bearer tokens of the HTTP API: their form, what each may do, and the file that lists them. The
// file holds hashes only, so whoever reads it can't use them.
package apitoken

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// Scope is something that a token allows.
type Scope string

// The scopes.
const (
	// UsageRead reads sums.
	UsageRead Scope = "usage:read"
	// RecordsRead reads records, by the feed and one by one.
	RecordsRead Scope = "records:read"
	// DeadLettersRead lists and shows dead letters, without their bytes.
	DeadLettersRead Scope = "dead-letters:read"
	// DeadLettersRedrive lets them go through the flow again.
	DeadLettersRedrive Scope = "dead-letters:redrive"
	// GapsRead lists the numbers of stamps that never arrived.
	GapsRead Scope = "gaps:read"
)

// Scopes are all of them.
func Scopes() []Scope {
	return []Scope{UsageRead, RecordsRead, DeadLettersRead, DeadLettersRedrive, GapsRead}
}

// ofAll says whether a scope shows what belongs to no APISIX consumer alone.
func (s Scope) ofAll() bool { return s != UsageRead && s != RecordsRead }

// Grant is what one token allows.
type Grant struct {
	// Name says whose token it is, for the log and the audit.
	Name   string
	Scopes []Scope
	// Consumers are the APISIX consumers whose usage and records it shows; nil shows all.
	Consumers []string
}

// Allows says whether the scope is among the grant's.
func (g *Grant) Allows(s Scope) bool { return slices.Contains(g.Scopes, s) }

// Sees says whether the grant shows what belongs to an APISIX consumer; nil is one that is not known.
func (g *Grant) Sees(consumer *string) bool {
	return g.Consumers == nil || consumer != nil && slices.Contains(g.Consumers, *consumer)
}

// Hash is the SHA-256 of a token. A token is 256 random bits, so that a plain hash is enough.
type Hash [sha256.Size]byte

// HashOf hashes a token.
func HashOf(token string) Hash { return sha256.Sum256([]byte(token)) }

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// prefix makes a token known for what it is, to people and to scanners for secrets.
const prefix = "gbt_"

// New makes a token.
func New() string {
	var random [32]byte
	rand.Read(random[:]) // which never fails
	return prefix + base64.RawURLEncoding.EncodeToString(random[:])
}

// wellFormed says whether a text can be a token that New made, so that nothing else needs to be hashed.
func wellFormed(token string) bool {
	return len(token) == len(prefix)+43 && strings.HasPrefix(token, prefix)
}

// Set is a number of tokens. It does not change, and is safe for concurrent use.
type Set struct{ grants map[Hash]*Grant }

// Find gives what a token allows, nil where there is no such token. The search is by the token's hash, of which nobody who
// does not have the token can make parts agree: its time tells nothing.
func (s *Set) Find(token string) *Grant {
	if s == nil || !wellFormed(token) {
		return nil
	}
	return s.grants[HashOf(token)]
}

// Len is how many tokens there are.
func (s *Set) Len() int { return len(s.grants) }
