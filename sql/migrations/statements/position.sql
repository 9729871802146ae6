-- The ids that arrived already: they are the older table's own.
SELECT COALESCE(MAX(id), -9223372036854775808) FROM mq_consume_log WHERE key_state = 'adopted'
