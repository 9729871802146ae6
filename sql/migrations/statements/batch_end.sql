SELECT MAX(id) FROM (SELECT id FROM mq_consume_log_old WHERE id > ? ORDER BY id LIMIT ?) AS batch
