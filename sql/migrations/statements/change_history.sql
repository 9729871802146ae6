-- A random number of the transaction that numbered the change: a ledger that was put back to a backup and numbers anew gives
-- another one. 0 for changes that were numbered by programs that know of none.
ALTER TABLE ledger_change ADD COLUMN history BIGINT NOT NULL DEFAULT 0
