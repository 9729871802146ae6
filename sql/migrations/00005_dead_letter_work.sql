-- +goose NO TRANSACTION
-- Every statement can run again after a crash in the middle.

-- +goose Up

-- Which of the equal entries of its message a dead letter is, counted from 0: only those beyond the first have a row. A
-- fingerprint counts equal entries, so the redrive of one alone needs the number.
CREATE TABLE IF NOT EXISTS dead_letter_occurrence (
  body_sha256 BINARY(32) NOT NULL,
  entry_index INT        NOT NULL,
  occurrence  BIGINT     NOT NULL,
  PRIMARY KEY (body_sha256, entry_index)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What people did with dead letters: a row for each attempt, written in the transaction of what it did.
CREATE TABLE IF NOT EXISTS dead_letter_audit (
  id             BIGINT        NOT NULL AUTO_INCREMENT,
  dead_letter_id BIGINT        NOT NULL,
  action         VARCHAR(16)   NOT NULL,
  actor          VARCHAR(255)  NOT NULL,
  outcome        VARCHAR(16)   NOT NULL,
  detail         VARCHAR(1024) NOT NULL,
  create_time    TIMESTAMP     NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY idx_dead_letter (dead_letter_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
-- There is no way down: dropping the audit is not a migration's business.
