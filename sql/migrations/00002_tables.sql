-- +goose NO TRANSACTION
-- Every statement can run again after a crash in the middle: DDL is not transactional here. Every table says its
-- collation: under the servers' defaults the APISIX consumers "acme" and "ACME" would fold into one bill.

-- +goose Up

-- The ledger: one row a usage record. A NULL is unknown; an empty string is known to be empty (an anonymous request, an
-- unmatched route). billing_key is the only unique key beside id: a second one would make the no-op upsert swallow rows.
CREATE TABLE IF NOT EXISTS mq_consume_log (
  id                   BIGINT        NOT NULL AUTO_INCREMENT,
  billing_key          BINARY(22)    NOT NULL,
  key_source           VARCHAR(16)   NOT NULL,
  key_state            VARCHAR(24)   NOT NULL,
  claimed_key          BINARY(22)    NULL,
  request_id           VARCHAR(32)   NULL,
  idempotency_key      VARCHAR(256)  NULL,
  repeat_of            BINARY(32)    NULL,
  msg_id               VARCHAR(64)   NOT NULL,
  topic                VARCHAR(128)  NOT NULL,
  tags                 VARCHAR(128)  NULL,
  message_keys         VARCHAR(128)  NULL,
  queue_id             INT           NULL,
  queue_offset         BIGINT        NULL,
  entry_index          INT           NOT NULL DEFAULT 0,
  batch_id             BINARY(16)    NOT NULL,
  consumer             VARCHAR(255)  NULL,
  route_id             VARCHAR(255)  NULL,
  service_id           VARCHAR(255)  NULL,
  method               VARCHAR(32)   NULL,
  uri                  VARCHAR(2048) NULL,
  status               INT           NULL,
  client_ip            VARCHAR(64)   NULL,
  request_size         BIGINT        NULL,
  response_size        BIGINT        NULL,
  request_time         DATETIME(3)   NOT NULL,
  latency_ms           DOUBLE        NULL,
  model                VARCHAR(255)  NULL,
  model_requested      VARCHAR(255)  NULL,
  service_tier         VARCHAR(64)   NULL,
  provider_response_id VARCHAR(255)  NULL,
  stream               TINYINT(1)    NULL,
  prompt_tokens        BIGINT        NOT NULL DEFAULT 0,
  completion_tokens    BIGINT        NOT NULL DEFAULT 0,
  total_tokens         BIGINT        NOT NULL DEFAULT 0,
  cached_tokens        BIGINT        NOT NULL DEFAULT 0,
  cache_write_tokens   BIGINT        NOT NULL DEFAULT 0,
  reasoning_tokens     BIGINT        NOT NULL DEFAULT 0,
  audio_tokens         BIGINT        NOT NULL DEFAULT 0,
  quantities           MEDIUMTEXT    NULL,
  estimated_tokens     BIGINT        NULL,
  usage_state          VARCHAR(16)   NOT NULL,
  usage_source         VARCHAR(16)   NOT NULL,
  usage_mismatch       TINYINT(1)    NOT NULL DEFAULT 0,
  usage_json           MEDIUMTEXT    NULL,
  billable             TINYINT(1)    NOT NULL,
  billable_reason      VARCHAR(64)   NOT NULL,
  dimensions           TEXT          NULL,
  stamp_runner         VARCHAR(255)  NULL,
  stamp_epoch          BINARY(14)    NULL,
  stamp_sequence       BIGINT UNSIGNED NULL,
  marks                VARCHAR(1024) NOT NULL DEFAULT '',
  duplicates           INT           NOT NULL DEFAULT 0,
  revision             INT           NOT NULL DEFAULT 1,
  body                 MEDIUMTEXT    NOT NULL,
  create_time          TIMESTAMP     NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY ux_billing_key (billing_key),
  KEY idx_msg_id (msg_id),
  KEY idx_request_id (request_id),
  KEY idx_consumer_time (consumer, request_time),
  KEY idx_route_id (route_id, request_time),
  KEY idx_create_time (create_time)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What could not become a usage record. The unique key makes a redelivery, a replay or a second copy of the same bytes
-- add to "deliveries" instead of a second row.
CREATE TABLE IF NOT EXISTS dead_letter (
  id           BIGINT        NOT NULL AUTO_INCREMENT,
  body_sha256  BINARY(32)    NOT NULL,
  entry_index  INT           NOT NULL,
  reason       VARCHAR(96)   NOT NULL,
  detail       VARCHAR(1024) NOT NULL DEFAULT '',
  billing_key  BINARY(22)    NULL,
  raw          MEDIUMBLOB    NOT NULL,
  raw_length   BIGINT        NOT NULL,
  raw_sha256   BINARY(32)    NOT NULL,
  status       VARCHAR(16)   NOT NULL DEFAULT 'pending',
  attempts     INT           NOT NULL DEFAULT 0,
  deliveries   INT           NOT NULL DEFAULT 1,
  create_time  TIMESTAMP     NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time  TIMESTAMP     NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY ux_dead_letter (body_sha256, entry_index, reason),
  KEY idx_status_reason (status, reason),
  KEY idx_create_time (create_time)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Where the bytes of a dead letter were read: all dead letters of one message body share its origins. origin_key is a
-- SHA-256 over the other columns.
CREATE TABLE IF NOT EXISTS dead_letter_origin (
  body_sha256   BINARY(32)    NOT NULL,
  origin_key    BINARY(32)    NOT NULL,
  topic         VARCHAR(128)  NOT NULL,
  tags          VARCHAR(128)  NULL,
  message_keys  VARCHAR(128)  NULL,
  msg_id        VARCHAR(64)   NOT NULL,
  broker        VARCHAR(255)  NOT NULL,
  queue_id      INT           NOT NULL,
  queue_offset  BIGINT        NOT NULL,
  file          VARCHAR(1024) NOT NULL,
  deliveries    INT           NOT NULL DEFAULT 1,
  create_time   TIMESTAMP     NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (body_sha256, origin_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The stamp numbers that arrived, as ranges. They may overlap; a number that is in none of them never arrived.
CREATE TABLE IF NOT EXISTS stamp_seen (
  id             BIGINT          NOT NULL AUTO_INCREMENT,
  runner         VARCHAR(255)    NOT NULL,
  epoch          BINARY(14)      NOT NULL,
  first_sequence BIGINT UNSIGNED NOT NULL,
  last_sequence  BIGINT UNSIGNED NOT NULL,
  verified       TINYINT(1)      NOT NULL,
  previous_epoch BINARY(14)      NULL,
  previous_last  BIGINT UNSIGNED NOT NULL DEFAULT 0,
  create_time    TIMESTAMP       NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY idx_runner_epoch (runner, epoch, first_sequence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Which request holds an idempotency key: claim is a SHA-256 over APISIX consumer, route and key.
CREATE TABLE IF NOT EXISTS idempotency_claim (
  claim        BINARY(32)  NOT NULL,
  billing_key  BINARY(22)  NOT NULL,
  request_time DATETIME(3) NOT NULL,
  success      TINYINT(1)  NOT NULL,
  create_time  TIMESTAMP   NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (claim),
  KEY idx_request_time (request_time)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Sums of new rows and differences of raised ones, appended with the rows themselves. hour is UTC; status_class is
-- "2xx" and so on, NULL when the status is unknown. records counts requests and stands on the rows of unit "request"
-- alone; the other units are named as the ledger's columns, or as its quantities name them.
CREATE TABLE IF NOT EXISTS usage_delta (
  id           BIGINT         NOT NULL AUTO_INCREMENT,
  hour         DATETIME       NOT NULL,
  consumer     VARCHAR(255)   NULL,
  route_id     VARCHAR(255)   NULL,
  service_id   VARCHAR(255)   NULL,
  model        VARCHAR(255)   NULL,
  status_class VARCHAR(3)     NULL,
  billable     TINYINT(1)     NOT NULL,
  unit         VARCHAR(64)    NOT NULL,
  quantity     DECIMAL(38, 9) NOT NULL,
  records      BIGINT         NOT NULL,
  PRIMARY KEY (id),
  KEY idx_hour (hour)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The same sums, folded. bucket is a SHA-256 over the columns that may be NULL, which a unique key can't compare.
CREATE TABLE IF NOT EXISTS usage_hourly (
  hour         DATETIME       NOT NULL,
  bucket       BINARY(32)     NOT NULL,
  unit         VARCHAR(64)    NOT NULL,
  consumer     VARCHAR(255)   NULL,
  route_id     VARCHAR(255)   NULL,
  service_id   VARCHAR(255)   NULL,
  model        VARCHAR(255)   NULL,
  status_class VARCHAR(3)     NULL,
  billable     TINYINT(1)     NOT NULL,
  quantity     DECIMAL(38, 9) NOT NULL,
  records      BIGINT         NOT NULL,
  PRIMARY KEY (hour, bucket, unit)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
-- There is no way down: dropping the ledger is not a migration's business.
