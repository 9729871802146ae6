ALTER TABLE mq_consume_log ADD INDEX idx_change (change_id, id)
