-- Which transaction changed a record last: ledger_change.id; 0 for those that were there before there were changes.
ALTER TABLE mq_consume_log ADD COLUMN change_id BIGINT NOT NULL DEFAULT 0
