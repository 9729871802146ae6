-- name: InsertDeadLetter :exec
-- InsertDeadLetter adds one dead letter, or counts one more delivery of one that is there.
INSERT INTO dead_letter (
  body_sha256, entry_index, reason, detail, billing_key, raw, raw_length, raw_sha256
) VALUES (
  ?, ?, ?, ?, ?, ?, ?, ?
) ON DUPLICATE KEY UPDATE deliveries = deliveries + 1;

-- name: InsertDeadLetterOrigin :exec
-- InsertDeadLetterOrigin adds one place that a body was read from, or counts one more delivery from it.
INSERT INTO dead_letter_origin (
  body_sha256, origin_key, topic, tags, message_keys, msg_id, broker, queue_id, queue_offset, file
) VALUES (
  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
) ON DUPLICATE KEY UPDATE deliveries = deliveries + 1;

-- name: CountDeadLetterOrigins :many
-- CountDeadLetterOrigins says how many origins each of the bodies has already; a body without any has no row.
SELECT body_sha256, COUNT(*) AS origins FROM dead_letter_origin
WHERE body_sha256 IN (sqlc.slice(bodies))
GROUP BY body_sha256;
