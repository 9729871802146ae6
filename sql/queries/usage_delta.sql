-- name: InsertUsageDelta :exec
-- InsertUsageDelta appends one sum, or one difference, to the usage of an hour.
INSERT INTO usage_delta (
  hour, consumer, route_id, service_id, model, status_class, billable, unit, quantity, records
) VALUES (
  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
);

-- name: TakeUsageDeltas :many
-- TakeUsageDeltas locks the oldest deltas that nobody else works on.
SELECT id FROM usage_delta ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED;

-- name: AddUsageHourly :exec
-- AddUsageHourly adds deltas that this transaction has locked to the sums of their hours, in the order of the sums' key. A
-- name goes into the bucket with its length, so that no two lists of names are alike, and NULL is not ''. The groups are
-- the buckets' and not the names': to the collation, names that differ in spaces at their end alone are one.
INSERT INTO usage_hourly (
  hour, bucket, unit, consumer, route_id, service_id, model, status_class, billable, quantity, records
)
SELECT hour, UNHEX(SHA2(CONCAT(
    COALESCE(CONCAT(LENGTH(consumer), ':', consumer), '-'), COALESCE(CONCAT(LENGTH(route_id), ':', route_id), '-'),
    COALESCE(CONCAT(LENGTH(service_id), ':', service_id), '-'), COALESCE(CONCAT(LENGTH(model), ':', model), '-'),
    COALESCE(CONCAT(LENGTH(status_class), ':', status_class), '-'), billable), 256)) AS bucket,
  unit, MIN(consumer) AS consumer, MIN(route_id) AS route_id, MIN(service_id) AS service_id, MIN(model) AS model,
  MIN(status_class) AS status_class, MIN(billable) AS billable, SUM(quantity) AS quantity, SUM(records) AS records
FROM usage_delta
WHERE id IN (sqlc.slice(ids))
GROUP BY hour, bucket, unit
ORDER BY hour, bucket, unit
ON DUPLICATE KEY UPDATE usage_hourly.quantity = usage_hourly.quantity + VALUES(quantity),
  usage_hourly.records = usage_hourly.records + VALUES(records);

-- name: DeleteUsageDeltas :execrows
-- DeleteUsageDeltas removes deltas that the sums of their hours hold now.
DELETE FROM usage_delta WHERE id IN (sqlc.slice(ids));
