-- name: InsertStampSeen :exec
-- InsertStampSeen appends one range of stamp numbers that arrived.
INSERT INTO stamp_seen (
  runner, epoch, first_sequence, last_sequence, verified, previous_epoch, previous_last
) VALUES (
  ?, ?, ?, ?, ?, ?, ?
);
