package api

import (
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gateway-billing.internal/consumer/internal/apitoken"
)

// authenticate finds out who asks. The error is the problem to answer with; it does not say whether a token was ever known.
func (s *Server) authenticate(r *http.Request) (*apitoken.Grant, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return nil, plain(http.StatusUnauthorized, "a bearer token is needed")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return nil, plain(http.StatusUnauthorized, "one bearer token is needed")
	}
	grant := s.tokens.Load().Find(strings.TrimSpace(token))
	if grant == nil {
		return nil, plain(http.StatusUnauthorized, "the token is not known")
	}
	return grant, nil
}

// limits are how often each token may ask, and how much at once.
type limits struct {
	perSecond int
	mu        sync.Mutex
	// Both are by the name of the token.
	tokens map[string]*rate.Limiter
	turns  map[string]chan struct{}
}

// turnsOf are the turns that one token may have at once.
func (l *limits) turnsOf(token string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turns == nil {
		l.turns = map[string]chan struct{}{}
	}
	turns, ok := l.turns[token]
	if !ok {
		turns = make(chan struct{}, maxOfOne)
		l.turns[token] = turns
	}
	return turns
}

// wait says how long the token must wait before it may ask again, 0 where it may now.
func (l *limits) wait(token string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tokens == nil {
		l.tokens = map[string]*rate.Limiter{}
	}
	limiter, ok := l.tokens[token]
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(l.perSecond), 2*l.perSecond)
		l.tokens[token] = limiter
	}
	if limiter.AllowN(now, 1) {
		return 0
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(math.Ceil(missing / float64(l.perSecond) * float64(time.Second)))
}
