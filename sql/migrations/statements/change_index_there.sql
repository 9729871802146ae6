SELECT COUNT(*) FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'mq_consume_log' AND INDEX_NAME = 'idx_change'
