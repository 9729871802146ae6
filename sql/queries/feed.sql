-- name: LastNumber :one
-- LastNumber is the last number that a change was given, and the ledger's own random number.
SELECT last_sequence, history FROM ledger_sequencer WHERE id = 1;

-- name: HistoryOfNumber :one
-- HistoryOfNumber is the random number of the transaction that gave a change its number.
SELECT history FROM ledger_change WHERE sequence = sqlc.arg(sequence);

-- name: NumberedChanges :many
-- NumberedChanges lists changes in the order of their numbers, from one on.
SELECT id, sequence FROM ledger_change WHERE sequence >= sqlc.arg(from_sequence) ORDER BY sequence LIMIT ?;

-- name: RecordsOfChange :many
-- RecordsOfChange reads what one change touched last, behind an id.
SELECT id, change_id, billing_key, revision, key_source, key_state, claimed_key, request_id, idempotency_key, repeat_of,
  consumer, route_id, service_id, method, uri, status, request_time, latency_ms, model, model_requested, service_tier,
  provider_response_id, stream, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens,
  reasoning_tokens, audio_tokens, quantities, estimated_tokens, usage_state, usage_source, usage_mismatch, billable,
  billable_reason, dimensions, marks, duplicates
FROM mq_consume_log FORCE INDEX (idx_change)
WHERE change_id = sqlc.arg(change_id) AND id > sqlc.arg(after)
ORDER BY id LIMIT ?;

-- name: RecordsOfChanges :many
-- RecordsOfChanges reads what several changes touched last. A server that guesses how many rows they have would rather sort
-- the whole ledger than stop at the limit.
SELECT id, change_id, billing_key, revision, key_source, key_state, claimed_key, request_id, idempotency_key, repeat_of,
  consumer, route_id, service_id, method, uri, status, request_time, latency_ms, model, model_requested, service_tier,
  provider_response_id, stream, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens,
  reasoning_tokens, audio_tokens, quantities, estimated_tokens, usage_state, usage_source, usage_mismatch, billable,
  billable_reason, dimensions, marks, duplicates
FROM mq_consume_log FORCE INDEX (idx_change)
WHERE change_id IN (sqlc.slice(change_ids))
ORDER BY change_id, id LIMIT ?;
