-- name: InsertStampSeen :exec
-- InsertStampSeen appends one range of stamp numbers that arrived.
INSERT INTO stamp_seen (
  runner, epoch, first_sequence, last_sequence, verified, previous_epoch, previous_last
) VALUES (
  ?, ?, ?, ?, ?, ?, ?
);

-- name: StampRunsBehind :many
-- StampRunsBehind says which runs have ranges behind an id, and the highest id of each.
SELECT runner, epoch, verified, CAST(MAX(id) AS SIGNED) AS last_id FROM stamp_seen
WHERE id > sqlc.arg(after_id)
GROUP BY runner, epoch, verified
ORDER BY runner, epoch, verified;

-- name: LockStampSeen :many
-- LockStampSeen reads ranges of one run in their order and locks them: of two that fold the same, one waits.
SELECT id, first_sequence, last_sequence, previous_epoch, previous_last, create_time FROM stamp_seen
WHERE runner = sqlc.arg(runner) AND epoch = sqlc.arg(epoch) AND verified = sqlc.arg(verified)
  AND first_sequence >= sqlc.arg(from_sequence)
ORDER BY first_sequence, id
LIMIT ?
FOR UPDATE;

-- name: DeleteStampSeen :exec
-- DeleteStampSeen removes ranges that others hold now.
DELETE FROM stamp_seen WHERE id IN (sqlc.slice(ids));

-- name: WidenStampSeen :exec
-- WidenStampSeen makes one range hold what others held, since the first of them arrived.
UPDATE stamp_seen SET last_sequence = sqlc.arg(last_sequence), create_time = sqlc.arg(create_time)
WHERE id = sqlc.arg(id);

-- name: StampsSeen :many
-- StampsSeen reads all ranges in the order of runner, run and number. age is the seconds since the first of a range
-- arrived.
SELECT runner, epoch, verified, first_sequence, last_sequence, previous_epoch, previous_last, create_time,
  CAST(TIMESTAMPDIFF(SECOND, create_time, CURRENT_TIMESTAMP) AS SIGNED) AS age
FROM stamp_seen
ORDER BY runner, epoch, verified, first_sequence;
