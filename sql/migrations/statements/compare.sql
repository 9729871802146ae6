SELECT (SELECT COUNT(*) FROM mq_consume_log_old), (SELECT COUNT(*) FROM mq_consume_log WHERE key_state = 'adopted')
