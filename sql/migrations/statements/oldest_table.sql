-- One row: the oldest version of the code that can work on this schema.
CREATE TABLE IF NOT EXISTS billing_schema_oldest (
  id      TINYINT NOT NULL,
  version BIGINT  NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
