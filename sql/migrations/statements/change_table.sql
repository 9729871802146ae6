-- One row a transaction that added or changed usage records, whose change_id is the row's id. Ids commit out of order: a
-- sequencer gives those that are committed their place, and a reader goes by that alone. NULL is not numbered yet.
CREATE TABLE IF NOT EXISTS ledger_change (
  id       BIGINT NOT NULL AUTO_INCREMENT,
  sequence BIGINT NULL,
  PRIMARY KEY (id),
  KEY idx_sequence (sequence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
