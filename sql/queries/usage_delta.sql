-- name: InsertUsageDelta :exec
-- InsertUsageDelta appends the sums, or the differences, of one unit to the usage of a quarter of an hour.
INSERT INTO usage_delta (
  quarter, consumer, route_id, service_id, model, status_class, billable, unit, quantity, records, usage_missing,
  usage_partial, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
  audio_tokens
) VALUES (
  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?, ?, ?,
  ?
);

-- name: TakeUsageDeltas :many
-- TakeUsageDeltas locks the oldest deltas that nobody else works on.
SELECT id FROM usage_delta ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED;

-- name: AddUsageHourly :exec
-- AddUsageHourly adds deltas that this transaction has locked to the sums of their hours, in the order of the sums' key. A
-- name goes into the bucket with its length, so that no two lists of names are alike, and NULL is not ''. The groups are
-- the buckets' and not the names': to the collation, names that differ in spaces at their end alone are one.
INSERT INTO usage_hourly (
  hour, bucket, unit, consumer, route_id, service_id, model, status_class, billable, quantity, records, usage_missing,
  usage_partial, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
  audio_tokens
)
SELECT TIMESTAMPADD(MINUTE, -MINUTE(quarter), quarter) AS begun, UNHEX(SHA2(CONCAT(
    COALESCE(CONCAT(LENGTH(consumer), ':', consumer), '-'), COALESCE(CONCAT(LENGTH(route_id), ':', route_id), '-'),
    COALESCE(CONCAT(LENGTH(service_id), ':', service_id), '-'), COALESCE(CONCAT(LENGTH(model), ':', model), '-'),
    COALESCE(CONCAT(LENGTH(status_class), ':', status_class), '-'), billable), 256)) AS name_hash,
  unit, MIN(consumer), MIN(route_id), MIN(service_id), MIN(model), MIN(status_class), MIN(billable), SUM(quantity),
  SUM(records), SUM(usage_missing), SUM(usage_partial), SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens),
  SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens)
FROM usage_delta
WHERE id IN (sqlc.slice(ids))
GROUP BY begun, name_hash, unit
ORDER BY begun, name_hash, unit
ON DUPLICATE KEY UPDATE usage_hourly.quantity = usage_hourly.quantity + VALUES(quantity),
  usage_hourly.records = usage_hourly.records + VALUES(records),
  usage_hourly.usage_missing = usage_hourly.usage_missing + VALUES(usage_missing),
  usage_hourly.usage_partial = usage_hourly.usage_partial + VALUES(usage_partial),
  usage_hourly.prompt_tokens = usage_hourly.prompt_tokens + VALUES(prompt_tokens),
  usage_hourly.completion_tokens = usage_hourly.completion_tokens + VALUES(completion_tokens),
  usage_hourly.total_tokens = usage_hourly.total_tokens + VALUES(total_tokens),
  usage_hourly.cached_tokens = usage_hourly.cached_tokens + VALUES(cached_tokens),
  usage_hourly.cache_write_tokens = usage_hourly.cache_write_tokens + VALUES(cache_write_tokens),
  usage_hourly.reasoning_tokens = usage_hourly.reasoning_tokens + VALUES(reasoning_tokens),
  usage_hourly.audio_tokens = usage_hourly.audio_tokens + VALUES(audio_tokens);

-- name: AddUsageRollup :exec
-- AddUsageRollup does the same for the sums of one span (by_day, by_hour or neither say it once more: sqlc loses a parameter
-- that is compared) and cut.
INSERT INTO usage_rollup (
  span, cut, start, bucket, unit, consumer, route_id, service_id, model, status_class, billable, quantity, records,
  usage_missing, usage_partial, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens,
  reasoning_tokens, audio_tokens
)
SELECT sqlc.arg(span), sqlc.arg(cut),
  IF(sqlc.arg(by_day), CAST(DATE(quarter) AS DATETIME),
    IF(sqlc.arg(by_hour), TIMESTAMPADD(MINUTE, -MINUTE(quarter), quarter), quarter)) AS begun,
  UNHEX(SHA2(CONCAT(COALESCE(CONCAT(LENGTH(consumer), ':', consumer), '-'), IF(sqlc.arg(all_names), CONCAT(
    COALESCE(CONCAT(LENGTH(route_id), ':', route_id), '-'), COALESCE(CONCAT(LENGTH(service_id), ':', service_id), '-'),
    COALESCE(CONCAT(LENGTH(model), ':', model), '-'), COALESCE(CONCAT(LENGTH(status_class), ':', status_class), '-')),
    '----'), billable), 256)) AS name_hash,
  unit, MIN(consumer), IF(sqlc.arg(all_names), MIN(route_id), NULL), IF(sqlc.arg(all_names), MIN(service_id), NULL),
  IF(sqlc.arg(all_names), MIN(model), NULL), IF(sqlc.arg(all_names), MIN(status_class), NULL), MIN(billable), SUM(quantity),
  SUM(records), SUM(usage_missing), SUM(usage_partial), SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens),
  SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens)
FROM usage_delta
WHERE id IN (sqlc.slice(ids))
GROUP BY begun, name_hash, unit
ORDER BY begun, name_hash, unit
ON DUPLICATE KEY UPDATE usage_rollup.quantity = usage_rollup.quantity + VALUES(quantity),
  usage_rollup.records = usage_rollup.records + VALUES(records),
  usage_rollup.usage_missing = usage_rollup.usage_missing + VALUES(usage_missing),
  usage_rollup.usage_partial = usage_rollup.usage_partial + VALUES(usage_partial),
  usage_rollup.prompt_tokens = usage_rollup.prompt_tokens + VALUES(prompt_tokens),
  usage_rollup.completion_tokens = usage_rollup.completion_tokens + VALUES(completion_tokens),
  usage_rollup.total_tokens = usage_rollup.total_tokens + VALUES(total_tokens),
  usage_rollup.cached_tokens = usage_rollup.cached_tokens + VALUES(cached_tokens),
  usage_rollup.cache_write_tokens = usage_rollup.cache_write_tokens + VALUES(cache_write_tokens),
  usage_rollup.reasoning_tokens = usage_rollup.reasoning_tokens + VALUES(reasoning_tokens),
  usage_rollup.audio_tokens = usage_rollup.audio_tokens + VALUES(audio_tokens);

-- name: DeleteUsageDeltas :execrows
-- DeleteUsageDeltas removes deltas that the folded sums hold now. A server that would rather look at the whole of a small
-- table waits for rows of others on its way, who may wait for sums of ours.
DELETE usage_delta FROM usage_delta FORCE INDEX (PRIMARY) WHERE usage_delta.id IN (sqlc.slice(ids));
