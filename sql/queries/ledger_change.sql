-- name: InsertChange :execlastid
-- InsertChange adds the change of a transaction, which has no number before it is committed.
INSERT INTO ledger_change (sequence) VALUES (NULL);

-- name: LockSequencer :one
-- LockSequencer locks the last number that was given, or finds no row where another has it locked.
SELECT last_sequence FROM ledger_sequencer WHERE id = 1 FOR UPDATE SKIP LOCKED;

-- name: ChangesToNumber :many
-- ChangesToNumber lists committed changes without a number. It locks nothing and waits for nobody.
SELECT id FROM ledger_change WHERE sequence IS NULL ORDER BY id LIMIT ?;

-- name: NumberChanges :execrows
-- NumberChanges gives changes the numbers behind the last one, in the order of the list, which holds the same ids, and
-- says which transaction did: history is a random number of it alone. Only the rows of these ids are touched, whatever the
-- optimizer thinks of a scan: others may be locked by who writes them.
UPDATE ledger_change FORCE INDEX (PRIMARY) SET sequence = sqlc.arg(last_sequence) + FIND_IN_SET(id, sqlc.arg(list)),
  history = sqlc.arg(history)
WHERE id IN (sqlc.slice(ids));

-- name: MoveSequencer :exec
UPDATE ledger_sequencer SET last_sequence = sqlc.arg(last_sequence) WHERE id = 1;
