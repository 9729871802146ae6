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
-- TakeUsageDeltas locks and reads the oldest deltas that nobody else works on, behind one that was read already.
SELECT id, quarter, unit, consumer, route_id, service_id, model, status_class, billable,
  CONCAT_WS(' ', quantity, records, usage_missing, usage_partial, prompt_tokens, completion_tokens, total_tokens,
    cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens) AS figures
FROM usage_delta WHERE id > sqlc.arg(after_id) ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED;

-- name: AddUsageHourly :exec
-- AddUsageHourly adds to a sum of an hour.
INSERT INTO usage_hourly (
  hour, bucket, unit, consumer, route_id, service_id, model, status_class, billable, quantity, records, usage_missing,
  usage_partial, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
  audio_tokens
) VALUES (
  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?, ?, ?,
  ?
) ON DUPLICATE KEY UPDATE quantity = quantity + VALUES(quantity),
  records = records + VALUES(records),
  usage_missing = usage_missing + VALUES(usage_missing),
  usage_partial = usage_partial + VALUES(usage_partial),
  prompt_tokens = prompt_tokens + VALUES(prompt_tokens),
  completion_tokens = completion_tokens + VALUES(completion_tokens),
  total_tokens = total_tokens + VALUES(total_tokens),
  cached_tokens = cached_tokens + VALUES(cached_tokens),
  cache_write_tokens = cache_write_tokens + VALUES(cache_write_tokens),
  reasoning_tokens = reasoning_tokens + VALUES(reasoning_tokens),
  audio_tokens = audio_tokens + VALUES(audio_tokens);

-- name: AddUsageRollup :exec
-- AddUsageRollup adds to a sum of a span and cut.
INSERT INTO usage_rollup (
  span, cut, start, bucket, unit, consumer, route_id, service_id, model, status_class, billable, quantity, records,
  usage_missing, usage_partial, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens,
  reasoning_tokens, audio_tokens
) VALUES (
  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?, ?, ?,
  ?, ?
) ON DUPLICATE KEY UPDATE quantity = quantity + VALUES(quantity),
  records = records + VALUES(records),
  usage_missing = usage_missing + VALUES(usage_missing),
  usage_partial = usage_partial + VALUES(usage_partial),
  prompt_tokens = prompt_tokens + VALUES(prompt_tokens),
  completion_tokens = completion_tokens + VALUES(completion_tokens),
  total_tokens = total_tokens + VALUES(total_tokens),
  cached_tokens = cached_tokens + VALUES(cached_tokens),
  cache_write_tokens = cache_write_tokens + VALUES(cache_write_tokens),
  reasoning_tokens = reasoning_tokens + VALUES(reasoning_tokens),
  audio_tokens = audio_tokens + VALUES(audio_tokens);

-- name: DeleteUsageDelta :exec
-- DeleteUsageDelta removes a delta that the folded sums hold now.
DELETE FROM usage_delta WHERE id = ?;
