package totals

import (
	"fmt"

	"gateway-billing.internal/consumer/internal/decimal"
)

// unitRequest is the unit on whose row the counts and the tokens stand.
const unitRequest = "request"

func addRow(r *row, add adder) error {
	sums, err := r.sums()
	if err != nil {
		return fmt.Errorf("sums of %s: %w", r.Start.Format("2006-01-02 15:04"), err)
	}
	return add(r.Start.Unix(), &names{
		consumer: r.Consumer, route: r.RouteID, service: r.ServiceID, model: r.Model, status: r.StatusClass, billable: r.Billable,
	}, &sums)
}

func (r *row) sums() (Sums, error) {
	s := Sums{Records: r.Records, UsageMissing: r.UsageMissing, UsagePartial: r.UsagePartial}
	if r.Unit != unitRequest {
		amount, err := decimal.ParseAmount(r.Quantity)
		if err != nil {
			return s, err
		}
		s.addQuantity(r.Unit, amount)
		return s, nil
	}
	texts := [...]string{
		r.PromptTokens, r.CompletionTokens, r.TotalTokens, r.CachedTokens, r.CacheWriteTokens, r.ReasoningTokens, r.AudioTokens,
	}
	for i, count := range s.tokens() {
		var err error
		if *count, err = decimal.ParseCount(texts[i]); err != nil {
			return s, err
		}
	}
	return s, nil
}
