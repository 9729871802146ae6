-- The one row that whoever numbers changes has locked: the last number that was given.
CREATE TABLE IF NOT EXISTS ledger_sequencer (
  id            INT    NOT NULL,
  last_sequence BIGINT NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
