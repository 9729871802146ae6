-- +goose NO TRANSACTION

-- +goose Up

-- claimed_key is NULL in all rows but the conflicts: the index is how those few are found.
ALTER TABLE mq_consume_log ADD INDEX idx_claimed_key (claimed_key);

-- +goose Down
-- There is no way down: dropping the ledger is not a migration's business.
