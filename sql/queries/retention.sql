-- name: BodiesPosition :one
-- BodiesPosition is the highest id of the ledger whose body was looked at.
SELECT position FROM retention WHERE kind = 'bodies';

-- name: MoveBodiesPosition :exec
-- MoveBodiesPosition notes how far the bodies were looked at. It never goes back.
UPDATE retention SET position = sqlc.arg(position) WHERE kind = 'bodies' AND position < sqlc.arg(position);

-- name: RecordsAfter :many
-- RecordsAfter lists the next rows of the ledger in the order of their ids.
SELECT id, create_time FROM mq_consume_log WHERE id > sqlc.arg(after) ORDER BY id LIMIT ?;

-- name: EmptyBodies :execrows
-- EmptyBodies takes the bodies out of the rows of a stretch of ids, and counts those that had one.
UPDATE mq_consume_log SET body = '' WHERE id > sqlc.arg(after) AND id <= sqlc.arg(last) AND body <> '';

-- name: SettledDeadLetters :many
-- SettledDeadLetters lists dead letters that nobody has to work on any more and that were last touched before a time.
SELECT id, body_sha256 FROM dead_letter
WHERE status IN ('redriven', 'discarded') AND update_time < sqlc.arg(before)
ORDER BY id LIMIT ?;

-- name: DeleteDeadLetters :execrows
-- DeleteDeadLetters deletes dead letters that are settled.
DELETE FROM dead_letter WHERE id IN (sqlc.slice(ids)) AND status IN ('redriven', 'discarded');

-- name: DeleteDeadLetterAudit :exec
DELETE FROM dead_letter_audit WHERE dead_letter_id IN (sqlc.slice(ids));

-- name: DeleteDeadLetterOrigins :exec
-- DeleteDeadLetterOrigins deletes the origins of message bodies that no dead letter is left of.
DELETE FROM dead_letter_origin WHERE dead_letter_origin.body_sha256 IN (sqlc.slice(bodies))
  AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE dead_letter.body_sha256 = dead_letter_origin.body_sha256);

-- name: DeleteDeadLetterOccurrences :exec
-- DeleteDeadLetterOccurrences does the same for what tells equal entries of a body apart.
DELETE FROM dead_letter_occurrence WHERE dead_letter_occurrence.body_sha256 IN (sqlc.slice(bodies))
  AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE dead_letter.body_sha256 = dead_letter_occurrence.body_sha256);

-- name: Horizon :one
-- Horizon is the time before which the ledger takes no records any more; NULL for none.
SELECT horizon FROM retention WHERE kind = 'ledger';

-- name: LockHorizon :one
-- LockHorizon is Horizon, which can't move then until this transaction ends.
SELECT horizon FROM retention WHERE kind = 'ledger' LOCK IN SHARE MODE;

-- name: RaiseHorizon :exec
-- RaiseHorizon moves the horizon. It waits for all transactions that have it locked, and never goes back.
UPDATE retention SET horizon = sqlc.arg(horizon)
WHERE kind = 'ledger' AND (horizon IS NULL OR horizon < sqlc.arg(horizon));

-- name: PendingBefore :one
-- PendingBefore counts the dead letters that nobody has worked on yet and whose requests began before a key's time.
SELECT COUNT(*) FROM dead_letter WHERE status = 'pending' AND billing_key < sqlc.arg(before);

-- name: CountRecordsBefore :one
SELECT COUNT(*) FROM mq_consume_log WHERE billing_key >= sqlc.arg(first) AND billing_key < sqlc.arg(before);

-- name: CountAdoptedBefore :one
SELECT COUNT(*) FROM mq_consume_log WHERE create_time < sqlc.arg(before) AND billing_key < sqlc.arg(first);

-- name: DeleteRecords :execrows
-- DeleteRecords deletes the oldest rows of the ledger, in the order of their keys, which begin with the time.
DELETE FROM mq_consume_log WHERE billing_key >= sqlc.arg(first) AND billing_key < sqlc.arg(before)
ORDER BY billing_key LIMIT ?;

-- name: DeleteAdopted :execrows
-- DeleteAdopted does so for the rows of an older consumer, whose keys have no time.
DELETE FROM mq_consume_log WHERE create_time < sqlc.arg(before) AND billing_key < sqlc.arg(first)
ORDER BY create_time LIMIT ?;

-- name: DeleteClaims :execrows
-- DeleteClaims deletes idempotency keys that no request can meet any more.
DELETE FROM idempotency_claim WHERE request_time < sqlc.arg(before) ORDER BY request_time LIMIT ?;
