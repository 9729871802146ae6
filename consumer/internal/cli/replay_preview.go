package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/replay"
)

// preview says what a replay would do.
func (w *replayWork) preview(ctx context.Context) error {
	var mu sync.Mutex
	var now replay.Totals
	each := func(ledger.Foreseen) error { return nil }
	if w.flags.list {
		each = w.lister()
	}
	store := w.store.NewPreview()
	var found replay.Totals
	err := w.showing(ctx, func() replay.Totals { mu.Lock(); defer mu.Unlock(); return now }, func(ctx context.Context) (err error) {
		found, err = replay.Preview(ctx, w.input, w.flags.rate, w.deriver, store, each, func(t replay.Totals) {
			mu.Lock()
			defer mu.Unlock()
			now = t
		})
		return err
	})
	if store.Forgot {
		w.say("more is new than a dry run remembers: copies of one request that lie far apart were counted as new each time")
	}
	if sumErr := w.summary(&found, "new", false, err == nil); sumErr != nil {
		return sumErr
	}
	return err
}

// foreseenView is one line of --list --output json.
type foreseenView struct {
	Fate        string     `json:"fate"`
	Key         *string    `json:"billing_key"`
	Reason      string     `json:"reason,omitempty"`
	Detail      string     `json:"detail,omitempty"`
	RequestTime *time.Time `json:"request_time,omitempty"`
	Consumer    *string    `json:"consumer,omitempty"`
	RouteID     *string    `json:"route_id,omitempty"`
	UsageState  string     `json:"usage_state,omitempty"`
	TotalTokens *int64     `json:"total_tokens,omitempty"`
	Place       string     `json:"place"`
	EntryIndex  int        `json:"entry_index"`
}

// lister writes each entry that is not a duplicate as it is found.
func (w *replayWork) lister() func(ledger.Foreseen) error {
	out := w.cmd.OutOrStdout()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if w.flags.output == "table" {
		fmt.Fprintln(out, "FATE\tKEY\tTIME\tCONSUMER\tROUTE\tTOKENS\tPLACE\tENTRY\tREASON")
	}
	return func(f ledger.Foreseen) error {
		if f.Fate == ledger.FateDuplicate {
			return nil
		}
		v := viewOf(f)
		if w.flags.output == "json" {
			return encoder.Encode(v)
		}
		key, at, tokens := "?", "?", "?"
		if v.Key != nil {
			key = *v.Key
		}
		if v.RequestTime != nil {
			at, tokens = v.RequestTime.Format("2006-01-02T15:04:05.000Z"), strconv.FormatInt(*v.TotalTokens, 10)
		}
		_, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Fate, key, at, shown(v.Consumer), shown(v.RouteID), tokens,
			shown(&v.Place), place(v.EntryIndex), shown(&v.Reason))
		return err
	}
}

func viewOf(f ledger.Foreseen) foreseenView {
	v := foreseenView{Fate: f.Fate}
	if f.Key != nil {
		v.Key = new(f.Key.String())
	}
	if r := f.Reject; r != nil {
		v.Reason, v.Detail, v.EntryIndex, v.Place = r.Reason, r.Detail, r.EntryIndex, placeOf(&r.Origin)
		return v
	}
	r := f.Record
	v.RequestTime, v.Consumer, v.RouteID = &r.RequestTime, r.Consumer, r.RouteID
	v.UsageState, v.TotalTokens, v.EntryIndex, v.Place = string(r.Usage.State), &r.Usage.TotalTokens, r.EntryIndex, placeOf(&r.Origin)
	return v
}

// placeOf says where a message was read.
func placeOf(o *record.Origin) string {
	if o.File != "" {
		return fmt.Sprintf("%s:%d", o.File, o.Offset)
	}
	return fmt.Sprintf("%s/%d:%d", o.Broker, o.Queue, o.Offset)
}
