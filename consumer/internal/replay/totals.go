package replay

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"gateway-billing.internal/consumer/internal/ledger"
)

// Totals are what became of the messages: Entries = Recorded + Duplicate + Conflict + Rejected.
type Totals struct {
	Messages  int64 `json:"messages"`
	Entries   int64 `json:"entries"`
	Recorded  int64 `json:"recorded"`
	Duplicate int64 `json:"duplicate"`
	Conflict  int64 `json:"conflict"`
	Rejected  int64 `json:"rejected"`
	// Raised are those of the duplicates that brought better usage or missing names.
	Raised int64 `json:"raised"`
	// Reasons count the rejected by reason, but for those that the database refuses.
	Reasons map[string]int64 `json:"reasons,omitempty"`
}

func (t *Totals) rejected(reason string, n int64) {
	if t.Reasons == nil {
		t.Reasons = map[string]int64{}
	}
	t.Reasons[reason] += n
}

func (t *Totals) add(o ledger.Outcome, reasons map[string]int64) {
	for reason, n := range reasons {
		t.rejected(reason, n)
	}
	t.Messages++
	t.Entries += int64(o.Entries)
	t.Recorded += int64(o.Recorded)
	t.Duplicate += int64(o.Duplicate)
	t.Conflict += int64(o.Conflict)
	t.Rejected += int64(o.Rejected)
	t.Raised += int64(o.Raised)
}

// Write writes the totals as a table. fresh is the word for what is recorded.
func (t *Totals) Write(w io.Writer, fresh string) error {
	if _, err := fmt.Fprintf(w, "messages  %d\nentries   %d = %d %s + %d duplicate + %d conflict + %d rejected\nraised    %d of the duplicates\n",
		t.Messages, t.Entries, t.Recorded, fresh, t.Duplicate, t.Conflict, t.Rejected, t.Raised); err != nil {
		return err
	}
	for _, reason := range slices.Sorted(maps.Keys(t.Reasons)) {
		if _, err := fmt.Fprintf(w, "rejected  %d %s\n", t.Reasons[reason], reason); err != nil {
			return err
		}
	}
	return nil
}
