package totals

import (
	"fmt"
	"strconv"
	"strings"

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

// sums reads the figures: the quantity, three counts of records, and the tokens in the order of their names.
func (r *row) sums() (s Sums, err error) {
	figures, rest := [1 + 3 + len(tokenNames)]string{}, r.Figures
	for i := range figures {
		if i > 0 && rest == "" {
			return s, fmt.Errorf("%d figures of %d", i, len(figures))
		}
		figures[i], rest, _ = strings.Cut(rest, " ")
	}
	counts := []*int64{&s.Records, &s.UsageMissing, &s.UsagePartial}
	for i, count := range counts {
		if *count, err = strconv.ParseInt(figures[1+i], 10, 64); err != nil {
			return s, err
		}
	}
	if r.Unit != unitRequest {
		amount, err := decimal.ParseAmount(figures[0])
		if err != nil {
			return s, err
		}
		s.addQuantity(r.Unit, amount)
		return s, nil
	}
	for i, count := range s.tokens() {
		if *count, err = decimal.ParseCount(figures[1+len(counts)+i]); err != nil {
			return s, err
		}
	}
	return s, nil
}
