-- The key is 6 zero bytes and the first 16 of SHA-256(msg_id), so a row that an older consumer wrote keeps one key for
-- ever. What the older consumer did not know is NULL; a row without any token says "missing", for it can't be told
-- whether a call was metered.
INSERT INTO mq_consume_log (
  id, billing_key, key_source, key_state, batch_id, msg_id, topic, tags, message_keys, route_id,
  prompt_tokens, completion_tokens, total_tokens, usage_state, usage_source, billable, billable_reason,
  request_time, body, create_time
)
SELECT id, UNHEX(CONCAT('000000000000', LEFT(SHA2(msg_id, 256), 32))), 'msg_id', 'adopted', ?,
  msg_id, topic, tags, message_keys, route_id,
  prompt_tokens, completion_tokens, total_tokens,
  CASE WHEN prompt_tokens <> 0 OR completion_tokens <> 0 OR total_tokens <> 0 THEN 'exact' ELSE 'missing' END,
  CASE WHEN prompt_tokens <> 0 OR completion_tokens <> 0 OR total_tokens <> 0 THEN 'body' ELSE 'none' END,
  1, 'adopted', create_time, body, create_time
FROM mq_consume_log_old
WHERE id > ? AND id <= ?
ORDER BY id
