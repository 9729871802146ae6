-- name: InsertRecord :exec
-- InsertRecord adds one usage record, or locks the row that holds its key already and leaves it as it is. Whether the
-- row is new shows only in the count of rows affected and in its batch_id. (id = id in place of the key fails on MySQL
-- with 1869 when one statement holds a key twice.)
INSERT INTO mq_consume_log (
  billing_key, key_source, key_state, claimed_key, request_id, idempotency_key, repeat_of,
  msg_id, topic, tags, message_keys, queue_id, queue_offset, entry_index, batch_id,
  consumer, route_id, service_id, method, uri, status, client_ip, request_size, response_size, request_time, latency_ms,
  model, model_requested, service_tier, provider_response_id, stream,
  prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens,
  quantities, estimated_tokens, usage_state, usage_source, usage_mismatch, usage_json,
  billable, billable_reason, dimensions, stamp_runner, stamp_epoch, stamp_sequence, marks, duplicates, change_id, body
) VALUES (
  ?, ?, ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?, ?,
  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
) ON DUPLICATE KEY UPDATE billing_key = billing_key;

-- name: StoredRecords :many
-- StoredRecords reads what decides between new, duplicate, conflict and better copy.
SELECT billing_key, batch_id, key_source, key_state, idempotency_key, consumer, route_id, service_id, model, status, client_ip,
  method, uri, request_size, response_size, request_time, prompt_tokens, completion_tokens, total_tokens, cached_tokens,
  cache_write_tokens, reasoning_tokens, audio_tokens, quantities, usage_state, usage_json IS NOT NULL AS usage_shown, billable,
  billable_reason, dimensions, stamp_runner, stamp_epoch, stamp_sequence, marks, revision
FROM mq_consume_log
WHERE billing_key IN (sqlc.slice(billing_keys));

-- name: LockRecords :many
-- LockRecords is StoredRecords for rows that this transaction has not locked, and locks them.
SELECT billing_key, batch_id, key_source, key_state, idempotency_key, consumer, route_id, service_id, model, status, client_ip,
  method, uri, request_size, response_size, request_time, prompt_tokens, completion_tokens, total_tokens, cached_tokens,
  cache_write_tokens, reasoning_tokens, audio_tokens, quantities, usage_state, usage_json IS NOT NULL AS usage_shown, billable,
  billable_reason, dimensions, stamp_runner, stamp_epoch, stamp_sequence, marks, revision
FROM mq_consume_log
WHERE billing_key IN (sqlc.slice(billing_keys))
FOR UPDATE;

-- name: CountDuplicates :exec
-- CountDuplicates adds to the duplicates of the rows that were met again, equally often each.
UPDATE mq_consume_log SET duplicates = duplicates + sqlc.arg(times)
WHERE billing_key IN (sqlc.slice(billing_keys));

-- name: RaiseRecord :execrows
-- RaiseRecord puts a better copy's usage over a row that this transaction has locked, if the row is still as it was
-- read. What the copy does not know beside the counts stays, and a body that was pruned stays away.
UPDATE mq_consume_log SET
  consumer = sqlc.arg(consumer), route_id = sqlc.arg(route_id), service_id = sqlc.arg(service_id),
  status = sqlc.arg(status), model = sqlc.arg(model), model_requested = COALESCE(sqlc.narg(model_requested), model_requested),
  service_tier = COALESCE(sqlc.narg(service_tier), service_tier),
  provider_response_id = COALESCE(sqlc.narg(provider_response_id), provider_response_id),
  stream = COALESCE(sqlc.narg(stream), stream),
  prompt_tokens = sqlc.arg(prompt_tokens), completion_tokens = sqlc.arg(completion_tokens),
  total_tokens = sqlc.arg(total_tokens), cached_tokens = sqlc.arg(cached_tokens),
  cache_write_tokens = sqlc.arg(cache_write_tokens), reasoning_tokens = sqlc.arg(reasoning_tokens),
  audio_tokens = sqlc.arg(audio_tokens), quantities = sqlc.arg(quantities),
  estimated_tokens = sqlc.arg(estimated_tokens), usage_state = sqlc.arg(usage_state),
  usage_source = sqlc.arg(usage_source), usage_mismatch = sqlc.arg(usage_mismatch), usage_json = sqlc.arg(usage_json),
  billable = sqlc.arg(billable), billable_reason = sqlc.arg(billable_reason), marks = sqlc.arg(marks),
  repeat_of = IF(sqlc.arg(billable_reason) = 'repeat', repeat_of, NULL),
  key_source = sqlc.arg(key_source), key_state = sqlc.arg(key_state), idempotency_key = sqlc.arg(idempotency_key),
  dimensions = sqlc.arg(dimensions), stamp_runner = sqlc.arg(stamp_runner), stamp_epoch = sqlc.arg(stamp_epoch),
  stamp_sequence = sqlc.arg(stamp_sequence), body = IF(body = '', '', sqlc.arg(body)),
  change_id = sqlc.arg(change_id), revision = revision + 1
WHERE billing_key = sqlc.arg(billing_key) AND usage_state = sqlc.arg(read_usage_state)
  AND revision = sqlc.arg(read_revision);

-- name: FillRecord :execrows
-- FillRecord gives a row what it did not know (APISIX consumer, route, service, model, status and with it whether it counts,
-- idempotency key, stamp) and the stronger source of its key, if it is still as it was read.
UPDATE mq_consume_log SET consumer = sqlc.arg(consumer), route_id = sqlc.arg(route_id),
  service_id = sqlc.arg(service_id), model = sqlc.arg(model), status = sqlc.arg(status), billable = sqlc.arg(billable),
  billable_reason = sqlc.arg(billable_reason), repeat_of = IF(sqlc.arg(billable_reason) = 'repeat', repeat_of, NULL),
  key_source = sqlc.arg(key_source), key_state = sqlc.arg(key_state), idempotency_key = sqlc.arg(idempotency_key),
  dimensions = sqlc.arg(dimensions), stamp_runner = sqlc.arg(stamp_runner), stamp_epoch = sqlc.arg(stamp_epoch),
  stamp_sequence = sqlc.arg(stamp_sequence), change_id = sqlc.arg(change_id), revision = revision + 1
WHERE billing_key = sqlc.arg(billing_key) AND usage_state = sqlc.arg(read_usage_state)
  AND revision = sqlc.arg(read_revision);

-- name: SetBillable :execrows
-- SetBillable changes whether a row that this transaction has locked counts. raise is 0 for a row of this same
-- transaction, which nobody has read yet, else 1.
UPDATE mq_consume_log SET billable = sqlc.arg(billable), billable_reason = sqlc.arg(billable_reason),
  repeat_of = sqlc.narg(repeat_of), change_id = sqlc.arg(change_id), revision = revision + sqlc.arg(raise)
WHERE billing_key = sqlc.arg(billing_key) AND revision = sqlc.arg(read_revision);

-- name: MarkRecord :exec
-- MarkRecord replaces the marks of a row that this transaction has locked. No figure changes, so no revision does.
UPDATE mq_consume_log SET marks = sqlc.arg(marks) WHERE billing_key = sqlc.arg(billing_key);
