-- name: InsertUsageDelta :exec
-- InsertUsageDelta appends one sum, or one difference, to the usage of an hour.
INSERT INTO usage_delta (
  hour, consumer, route_id, service_id, model, status_class, billable, unit, quantity, records
) VALUES (
  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
);
