-- The ids that arrived already are the older table's own, and nothing else writes before the schema is current.
SELECT COALESCE(MAX(id), -9223372036854775808) FROM mq_consume_log
