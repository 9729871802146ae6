-- +goose NO TRANSACTION
-- It can run again after a crash in the middle. ADD INDEX IF NOT EXISTS is MariaDB's alone, so the statement is made by what
-- is there.

-- +goose Up

-- claimed_key is NULL in all rows but the conflicts: the index is how those few are found.
SET @add_index = IF(
  EXISTS (SELECT * FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'mq_consume_log' AND index_name = 'idx_claimed_key'),
  'DO 0',
  'ALTER TABLE mq_consume_log ADD INDEX idx_claimed_key (claimed_key)');
PREPARE add_index FROM @add_index;
EXECUTE add_index;
DEALLOCATE PREPARE add_index;

-- +goose Down
-- There is no way down: dropping the ledger is not a migration's business.
