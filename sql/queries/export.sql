-- name: ExportRecords :many
-- ExportRecords reads records, all but their bodies, in the order of their keys, which begin with the requests' time.
SELECT id, billing_key, key_source, key_state, claimed_key, request_id, idempotency_key, repeat_of, msg_id, topic, tags,
  message_keys, queue_id, queue_offset, entry_index, consumer, route_id, service_id, method, uri, status, client_ip,
  request_size, response_size, request_time, latency_ms, model, model_requested, service_tier, provider_response_id, stream,
  prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens,
  quantities, estimated_tokens, usage_state, usage_source, usage_mismatch, usage_json, billable, billable_reason, dimensions,
  stamp_runner, stamp_epoch, stamp_sequence, marks, duplicates, revision, create_time
FROM mq_consume_log
WHERE billing_key > sqlc.arg(after_key) AND billing_key <= sqlc.arg(last_key)
ORDER BY billing_key
LIMIT ?;

-- name: ExportAdopted :many
-- ExportAdopted does so for records of an older consumer, whose keys have no time, in the order in which they were written.
SELECT id, billing_key, key_source, key_state, claimed_key, request_id, idempotency_key, repeat_of, msg_id, topic, tags,
  message_keys, queue_id, queue_offset, entry_index, consumer, route_id, service_id, method, uri, status, client_ip,
  request_size, response_size, request_time, latency_ms, model, model_requested, service_tier, provider_response_id, stream,
  prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens,
  quantities, estimated_tokens, usage_state, usage_source, usage_mismatch, usage_json, billable, billable_reason, dimensions,
  stamp_runner, stamp_epoch, stamp_sequence, marks, duplicates, revision, create_time
FROM mq_consume_log
WHERE create_time >= sqlc.arg(time_from) AND create_time < sqlc.arg(time_to)
  AND (create_time > sqlc.arg(after_time) OR create_time = sqlc.arg(after_time) AND id > sqlc.arg(after_id))
  AND billing_key < sqlc.arg(first_key)
ORDER BY create_time, id
LIMIT ?;

-- name: RecordsOfRequest :many
-- RecordsOfRequest does so for the records of one request. Conflicts make several.
SELECT id, billing_key, key_source, key_state, claimed_key, request_id, idempotency_key, repeat_of, msg_id, topic, tags,
  message_keys, queue_id, queue_offset, entry_index, consumer, route_id, service_id, method, uri, status, client_ip,
  request_size, response_size, request_time, latency_ms, model, model_requested, service_tier, provider_response_id, stream,
  prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens,
  quantities, estimated_tokens, usage_state, usage_source, usage_mismatch, usage_json, billable, billable_reason, dimensions,
  stamp_runner, stamp_epoch, stamp_sequence, marks, duplicates, revision, create_time
FROM mq_consume_log
WHERE request_id = ?
ORDER BY id
LIMIT 100;

-- name: RecordOfKey :many
-- RecordOfKey does so for a billing key.
SELECT id, billing_key, key_source, key_state, claimed_key, request_id, idempotency_key, repeat_of, msg_id, topic, tags,
  message_keys, queue_id, queue_offset, entry_index, consumer, route_id, service_id, method, uri, status, client_ip,
  request_size, response_size, request_time, latency_ms, model, model_requested, service_tier, provider_response_id, stream,
  prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens,
  quantities, estimated_tokens, usage_state, usage_source, usage_mismatch, usage_json, billable, billable_reason, dimensions,
  stamp_runner, stamp_epoch, stamp_sequence, marks, duplicates, revision, create_time
FROM mq_consume_log
WHERE billing_key = ?;
