-- A random number of this ledger, which stays.
ALTER TABLE ledger_sequencer ADD COLUMN history BIGINT NOT NULL DEFAULT 0
