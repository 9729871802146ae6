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

-- name: InsertDeadLetterOccurrence :exec
-- InsertDeadLetterOccurrence keeps which of the equal entries of its message a dead letter is.
INSERT INTO dead_letter_occurrence (
  body_sha256, entry_index, occurrence
) VALUES (
  ?, ?, ?
) ON DUPLICATE KEY UPDATE occurrence = occurrence;

-- name: ListDeadLetters :many
-- ListDeadLetters reads dead letters without their raw bytes, in the order of their ids. A reason is one of the codes, or
-- what stands before its colon.
SELECT d.id, d.entry_index, d.reason, d.detail, d.billing_key, d.raw_length, d.raw_sha256, d.status, d.attempts,
  d.deliveries, d.create_time, d.update_time
FROM dead_letter AS d
WHERE d.id > sqlc.arg(after_id)
  AND d.create_time >= sqlc.arg(time_from) AND d.create_time < sqlc.arg(time_to)
  AND (sqlc.arg(status) = '' OR d.status = sqlc.arg(status))
  AND (sqlc.arg(reason) = '' OR d.reason = sqlc.arg(reason) OR SUBSTRING_INDEX(d.reason, ':', 1) = sqlc.arg(reason))
  AND (sqlc.arg(topic) = '' OR EXISTS (
    SELECT 1 FROM dead_letter_origin AS o WHERE o.body_sha256 = d.body_sha256 AND o.topic = sqlc.arg(topic)))
ORDER BY d.id
LIMIT ?;

-- name: PendingDeadLetters :many
-- PendingDeadLetters counts the dead letters that wait for a person, by reason.
SELECT reason, COUNT(*) AS letters FROM dead_letter WHERE status = 'pending' GROUP BY reason;

-- name: DeadLetter :one
-- DeadLetter reads one dead letter with its raw bytes.
SELECT id, body_sha256, entry_index, reason, detail, billing_key, raw, raw_length, raw_sha256, status, attempts,
  deliveries, create_time, update_time
FROM dead_letter WHERE id = ?;

-- name: LockDeadLetter :one
-- LockDeadLetter says where a dead letter stands, and lets nobody else work on it until the transaction ends.
SELECT status FROM dead_letter WHERE id = ? FOR UPDATE;

-- name: DeadLetterOrigins :many
-- DeadLetterOrigins reads where a message body was read, the first place first.
SELECT topic, tags, message_keys, msg_id, broker, queue_id, queue_offset, file, deliveries, create_time
FROM dead_letter_origin WHERE body_sha256 = ?
ORDER BY create_time, queue_offset, origin_key;

-- name: DeadLetterOccurrence :one
-- DeadLetterOccurrence says which of the equal entries of its message a dead letter is; 0 where none is kept.
SELECT CAST(COALESCE(MAX(occurrence), 0) AS SIGNED) AS occurrence FROM dead_letter_occurrence
WHERE body_sha256 = ? AND entry_index = ?;

-- name: SettleDeadLetter :exec
-- SettleDeadLetter notes what became of a dead letter; attempts counts redrives.
UPDATE dead_letter SET status = sqlc.arg(status), attempts = attempts + sqlc.arg(attempts),
  update_time = CURRENT_TIMESTAMP
WHERE id = sqlc.arg(id);

-- name: InsertDeadLetterAudit :exec
-- InsertDeadLetterAudit notes who did what to a dead letter.
INSERT INTO dead_letter_audit (dead_letter_id, action, actor, outcome, detail) VALUES (?, ?, ?, ?, ?);

-- name: DeadLetterAudit :many
-- DeadLetterAudit reads what was done to a dead letter, the first first.
SELECT action, actor, outcome, detail, create_time FROM dead_letter_audit WHERE dead_letter_id = ? ORDER BY id;
