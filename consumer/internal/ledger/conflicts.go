package ledger

import (
	"context"
	"fmt"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// ConflictFilter says which conflicts are asked for.
type ConflictFilter struct {
	// From (included) and To (not) bound the time of the requests.
	From, To time.Time
	// Consumer is an APISIX consumer on either side, nil for all.
	Consumer *string
	// Limit is the most that are returned, the latest.
	Limit int
}

// Party is one side of a conflict: what tells one request from another. A nil pointer is not known.
type Party struct {
	Key      billingkey.Key `json:"billing_key"`
	MsgID    string         `json:"msg_id"`
	Billable bool           `json:"billable"`
	Consumer *string        `json:"consumer"`
	RouteID  *string        `json:"route_id"`
	ClientIP *string        `json:"client_ip"`
	Method   *string        `json:"method"`
	URI      *string        `json:"uri"`
	Status   *int32         `json:"status"`
}

// Conflict is a record that claimed a key which another request holds.
type Conflict struct {
	RequestTime time.Time      `json:"request_time"`
	ClaimedKey  billingkey.Key `json:"claimed_key"`
	// Record is the one that claimed the key and is recorded under another one.
	Record Party `json:"record"`
	// Holder is the one that holds the key, nil when its row is gone. HolderKeySource and HolderKeyState say how it came
	// to the key.
	Holder          *Party  `json:"holder"`
	HolderKeySource *string `json:"holder_key_source"`
	HolderKeyState  *string `json:"holder_key_state"`
}

// Conflicts lists the conflicts that the filter picks, the latest first.
func (s *Store) Conflicts(ctx context.Context, f ConflictFilter) ([]Conflict, error) {
	rows, err := billingdb.New(s.db).ListConflicts(ctx, billingdb.ListConflictsParams{
		TimeFrom: f.From.UTC(), TimeTo: f.To.UTC(), Consumer: f.Consumer, Limit: int32(f.Limit),
	})
	if err != nil {
		return nil, fmt.Errorf("conflicts: %w", err)
	}
	all := make([]Conflict, len(rows))
	for i, r := range rows {
		all[i] = Conflict{
			RequestTime: r.RequestTime, ClaimedKey: billingkey.Key(r.ClaimedKey),
			Record: Party{
				Key: billingkey.Key(r.BillingKey), MsgID: r.MsgID, Billable: r.Billable, Consumer: r.Consumer,
				RouteID: r.RouteID, ClientIP: r.ClientIP, Method: r.Method, URI: r.URI, Status: r.Status,
			},
			HolderKeySource: r.HolderKeySource, HolderKeyState: r.HolderKeyState,
		}
		if r.HolderMsgID == nil || r.HolderBillable == nil {
			continue // both columns are never NULL: there is no such row
		}
		all[i].Holder = &Party{
			Key: billingkey.Key(r.ClaimedKey), MsgID: *r.HolderMsgID, Billable: *r.HolderBillable,
			Consumer: r.HolderConsumer, RouteID: r.HolderRouteID, ClientIP: r.HolderClientIp,
			Method: r.HolderMethod, URI: r.HolderUri, Status: r.HolderStatus,
		}
	}
	return all, nil
}
