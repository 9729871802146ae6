package ledger

import (
	"gateway-billing.internal/shared/billingkey"
)

// group is the candidates of one transaction that hold the same key: one row is sent for them.
type group struct {
	key     billingkey.Key
	members []*candidate
}

// merge makes the group's row as if it were new: the first member's, with the better usage and the missing names of
// those members that are copies of it. Those, beside the first, are the copies; the others are other requests.
func (g *group) merge() (p row, copies, others []*candidate) {
	p = g.members[0].insertRow()
	if len(g.members) == 1 {
		return p, nil, nil
	}
	fig := figuresOf(&p)
	for _, m := range g.members[1:] {
		if !sameRequest(&fig, &m.fig) {
			others = append(others, m)
			continue
		}
		copies = append(copies, m)
		if raised, _ := join(&fig, &m.fig); raised {
			takeDetails(&p, &m.row)
		}
	}
	takeFigures(&p, &fig)
	p.Duplicates = int32(len(copies))
	return p, copies, others
}

// takeDetails puts what goes with better usage, beside the figures, into a row.
func takeDetails(p *row, from *row) {
	p.ModelRequested = either(from.ModelRequested, p.ModelRequested)
	p.ServiceTier = either(from.ServiceTier, p.ServiceTier)
	p.ProviderResponseID = either(from.ProviderResponseID, p.ProviderResponseID)
	p.Stream = either(from.Stream, p.Stream)
	p.EstimatedTokens, p.UsageSource, p.UsageMismatch = from.EstimatedTokens, from.UsageSource, from.UsageMismatch
	p.UsageJSON, p.Body = from.UsageJSON, from.Body
}

// takeFigures puts figures back into the row that they were made of.
func takeFigures(p *row, f *figures) {
	p.Consumer, p.RouteID, p.ServiceID, p.Status, p.Model = f.Consumer, f.RouteID, f.ServiceID, f.Status, f.Model
	p.PromptTokens, p.CompletionTokens, p.TotalTokens = f.PromptTokens, f.CompletionTokens, f.TotalTokens
	p.CachedTokens, p.CacheWriteTokens = f.CachedTokens, f.CacheWriteTokens
	p.ReasoningTokens, p.AudioTokens, p.Quantities = f.ReasoningTokens, f.AudioTokens, f.Quantities
	p.UsageState, p.Billable, p.BillableReason, p.Marks = f.UsageState, f.Billable, f.BillableReason, f.Marks
	p.KeySource, p.KeyState, p.IdempotencyKey = f.KeySource, f.KeyState, f.IdempotencyKey
	p.Dimensions, p.StampRunner, p.StampEpoch, p.StampSequence = f.Dimensions, f.StampRunner, f.StampEpoch, f.StampSequence
}
