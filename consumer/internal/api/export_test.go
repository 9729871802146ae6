package api

import "time"

// Operation is an operation as the document test needs it.
type Operation struct {
	ID, Method, Path, Scope string
	Query, Forms            []string
}

// Operations are what the server answers.
func (s *Server) Operations() (all []Operation) {
	for _, op := range s.operations() {
		all = append(all, Operation{op.id, op.method, op.path, string(op.scope), op.query, op.forms})
	}
	return all
}

// Limits gives the function that says how long a token must wait.
func Limits(perSecond int) func(token string, now time.Time) time.Duration {
	return (&limits{perSecond: perSecond}).wait
}

// MaxAtOnce is how many requests are answered at once, MaxOfOne how many of one token.
const (
	MaxAtOnce = maxAtOnce
	MaxOfOne  = maxOfOne
)
