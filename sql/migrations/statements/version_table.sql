-- As goose makes it, but in one step that can run again: goose itself is stuck when it dies between its table and the
-- table's first row.
CREATE TABLE IF NOT EXISTS billing_schema_version (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  version_id BIGINT          NOT NULL,
  is_applied TINYINT(1)      NOT NULL,
  tstamp     DATETIME        NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
