package totals

import (
	"maps"

	"gateway-billing.internal/consumer/internal/decimal"
)

// Sums are what a number of records used together. The fields of tokens are the sums of the ledger's columns.
type Sums struct {
	Records int64
	// UsageMissing and UsagePartial are how many of the records have usage that is not known, or not all of it.
	UsageMissing     int64
	UsagePartial     int64
	PromptTokens     decimal.Count
	CompletionTokens decimal.Count
	TotalTokens      decimal.Count
	CachedTokens     decimal.Count
	CacheWriteTokens decimal.Count
	ReasoningTokens  decimal.Count
	AudioTokens      decimal.Count
	// Quantities are by unit; none is zero.
	Quantities map[string]decimal.Amount
}

// Add adds other.
func (s *Sums) Add(other *Sums) {
	s.Records += other.Records
	s.UsageMissing += other.UsageMissing
	s.UsagePartial += other.UsagePartial
	mine, others := s.tokens(), other.tokens()
	for i := range mine {
		*mine[i] = mine[i].Plus(*others[i])
	}
	for unit, amount := range other.Quantities {
		s.addQuantity(unit, amount)
	}
}

func (s *Sums) addQuantity(unit string, amount decimal.Amount) {
	if s.Quantities == nil {
		s.Quantities = map[string]decimal.Amount{}
	}
	if sum := s.Quantities[unit].Plus(amount); sum.IsZero() {
		delete(s.Quantities, unit)
	} else {
		s.Quantities[unit] = sum
	}
}

// Negative is the same with the other sign.
func (s *Sums) Negative() *Sums {
	n := *s
	n.Records, n.UsageMissing, n.UsagePartial = -s.Records, -s.UsageMissing, -s.UsagePartial
	for _, t := range n.tokens() {
		*t = t.Negative()
	}
	n.Quantities = maps.Clone(s.Quantities)
	for unit, amount := range n.Quantities {
		n.Quantities[unit] = amount.Negative()
	}
	return &n
}

// IsZero says whether nothing was used, by nobody.
func (s *Sums) IsZero() bool {
	for _, t := range s.tokens() {
		if !t.IsZero() {
			return false
		}
	}
	return s.Records == 0 && s.UsageMissing == 0 && s.UsagePartial == 0 && len(s.Quantities) == 0
}

// tokenNames are the names of the fields of tokens, those of the ledger's columns.
var tokenNames = [...]string{
	"prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
	"audio_tokens",
}

// tokens are the fields of tokens, in the order of their names.
func (s *Sums) tokens() [len(tokenNames)]*decimal.Count {
	return [...]*decimal.Count{
		&s.PromptTokens, &s.CompletionTokens, &s.TotalTokens, &s.CachedTokens, &s.CacheWriteTokens, &s.ReasoningTokens,
		&s.AudioTokens,
	}
}
