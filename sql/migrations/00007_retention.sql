-- +goose NO TRANSACTION
-- Every statement can run again after a crash in the middle.

-- +goose Up

-- How far retention has come, a row a kind of data: bodies (position is the highest id of the ledger whose body was looked
-- at) and ledger (horizon, UTC: no record whose request began before it is taken any more, since copies of it could not
-- be told from new ones). Whoever writes such old records locks the row of the ledger, in share mode, until the commit.
CREATE TABLE IF NOT EXISTS retention (
  kind     VARCHAR(16) NOT NULL,
  position BIGINT      NOT NULL DEFAULT 0,
  horizon  DATETIME(3) NULL,
  PRIMARY KEY (kind)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO retention (kind) VALUES ('bodies'), ('ledger') ON DUPLICATE KEY UPDATE kind = VALUES(kind);

-- +goose Down
-- There is no way down: without the horizon what was pruned would be billed again.
