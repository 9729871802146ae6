-- Those that a server does not have are absent from the answer, so one statement does for all servers.
SHOW SESSION VARIABLES WHERE Variable_name IN (
  'read_only', 'super_read_only', 'innodb_read_only', 'offline_mode',
  'sql_mode', 'time_zone', 'character_set_client', 'character_set_connection', 'collation_connection',
  'transaction_isolation', 'tx_isolation', 'innodb_lock_wait_timeout', 'max_allowed_packet',
  'log_bin', 'binlog_format', 'sync_binlog', 'innodb_flush_log_at_trx_commit'
)
