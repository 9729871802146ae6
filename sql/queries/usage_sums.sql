-- name: HourlySums :many
-- HourlySums reads folded sums of hours in the order of their key, behind a row that was read already. any_consumer reads
-- those of all APISIX consumers, unknown_consumer those whose APISIX consumer is NULL beside those that are named; any_start
-- reads all starts and not those that are named alone. The figures are one column, for there are many rows, and a client takes longer for each column than the server does.
SELECT hour AS start, bucket, unit, consumer, route_id, service_id, model, status_class, billable,
  CONCAT_WS(' ', quantity, records, usage_missing, usage_partial, prompt_tokens, completion_tokens, total_tokens,
    cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens) AS figures
FROM usage_hourly
WHERE hour >= sqlc.arg(time_from) AND hour < sqlc.arg(time_to) AND (sqlc.arg(any_start) OR hour IN (sqlc.slice(starts)))
  AND (hour > sqlc.arg(after_start) OR hour = sqlc.arg(after_start)
    AND (bucket > sqlc.arg(after_bucket) OR bucket = sqlc.arg(after_bucket) AND unit > sqlc.arg(after_unit)))
  AND (sqlc.arg(any_consumer) OR consumer IN (sqlc.slice(consumers)) OR sqlc.arg(unknown_consumer) AND consumer IS NULL)
ORDER BY hour, bucket, unit
LIMIT ?;

-- name: RollupSums :many
-- RollupSums is HourlySums for one span and cut.
SELECT start, bucket, unit, consumer, route_id, service_id, model, status_class, billable,
  CONCAT_WS(' ', quantity, records, usage_missing, usage_partial, prompt_tokens, completion_tokens, total_tokens,
    cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens) AS figures
FROM usage_rollup
WHERE span = sqlc.arg(span) AND cut = sqlc.arg(cut) AND start >= sqlc.arg(time_from) AND start < sqlc.arg(time_to)
  AND (sqlc.arg(any_start) OR start IN (sqlc.slice(starts)))
  AND (start > sqlc.arg(after_start) OR start = sqlc.arg(after_start)
    AND (bucket > sqlc.arg(after_bucket) OR bucket = sqlc.arg(after_bucket) AND unit > sqlc.arg(after_unit)))
  AND (sqlc.arg(any_consumer) OR consumer IN (sqlc.slice(consumers)) OR sqlc.arg(unknown_consumer) AND consumer IS NULL)
ORDER BY start, bucket, unit
LIMIT ?;

-- name: RollupEnds :many
-- RollupEnds is the first start and the last of one span and cut; nothing where there is none.
(SELECT start FROM usage_rollup AS first WHERE first.span = sqlc.arg(span) AND first.cut = sqlc.arg(cut) ORDER BY start LIMIT 1)
UNION ALL
(SELECT start FROM usage_rollup AS last WHERE last.span = sqlc.arg(span) AND last.cut = sqlc.arg(cut) ORDER BY start DESC LIMIT 1);

-- name: UnfoldedSums :many
-- UnfoldedSums reads deltas that nobody has folded yet, in the order of their ids, behind one that was read already.
SELECT id, quarter, unit, consumer, route_id, service_id, model, status_class, billable,
  CONCAT_WS(' ', quantity, records, usage_missing, usage_partial, prompt_tokens, completion_tokens, total_tokens,
    cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens) AS figures
FROM usage_delta
WHERE id > sqlc.arg(after_id) AND quarter >= sqlc.arg(time_from) AND quarter < sqlc.arg(time_to)
ORDER BY id
LIMIT ?;

-- name: RecordsToSum :many
-- RecordsToSum reads what sums are made of, in the order of the keys, which begin with the requests' time.
SELECT billing_key, request_time, consumer, route_id, service_id, model, status, billable, usage_state, prompt_tokens,
  completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens, quantities, dimensions
FROM mq_consume_log
WHERE billing_key > sqlc.arg(after_key) AND billing_key <= sqlc.arg(last_key)
ORDER BY billing_key
LIMIT ?;

-- name: HasAdopted :one
-- HasAdopted says whether there are records of an older consumer, whose keys have no time.
SELECT EXISTS (SELECT 1 FROM mq_consume_log WHERE billing_key < sqlc.arg(first_key)) AS found;

-- name: AdoptedToSum :many
-- AdoptedToSum is RecordsToSum for those of an older consumer; their time is when they were written.
SELECT id, billing_key, request_time, consumer, route_id, service_id, model, status, billable, usage_state, prompt_tokens,
  completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens, quantities, dimensions
FROM mq_consume_log
WHERE create_time >= sqlc.arg(time_from) AND create_time < sqlc.arg(time_to)
  AND (create_time > sqlc.arg(after_time) OR create_time = sqlc.arg(after_time) AND id > sqlc.arg(after_id))
  AND billing_key < sqlc.arg(first_key)
ORDER BY create_time, id
LIMIT ?;

-- name: LockUsageRebuild :one
-- LockUsageRebuild waits until nobody else rebuilds sums, and keeps others from it until this transaction ends.
SELECT kind FROM retention WHERE kind = 'usage' FOR UPDATE;

-- name: NextRecordKey :one
-- NextRecordKey is the first key of the ledger from one on.
SELECT billing_key FROM mq_consume_log WHERE billing_key >= sqlc.arg(first_key) ORDER BY billing_key LIMIT 1;

-- name: NextCreated :one
-- NextCreated is when the first record was written from a time on.
SELECT create_time FROM mq_consume_log WHERE create_time >= sqlc.arg(time_from) ORDER BY create_time LIMIT 1;

-- name: NextDelta :one
-- NextDelta is the first quarter of an hour that deltas are of, from a time on.
SELECT quarter FROM usage_delta WHERE quarter >= sqlc.arg(time_from) ORDER BY quarter LIMIT 1;

-- name: NextHourly :one
-- NextHourly is the first hour that has sums, from a time on.
SELECT hour FROM usage_hourly WHERE hour >= sqlc.arg(time_from) ORDER BY hour LIMIT 1;

-- name: NextRollup :one
-- NextRollup is the first time that has sums of a span and cut, from a time on.
SELECT start FROM usage_rollup WHERE span = sqlc.arg(span) AND cut = sqlc.arg(cut) AND start >= sqlc.arg(time_from)
ORDER BY start LIMIT 1;
