-- +goose NO TRANSACTION
-- It can run again after a crash in the middle, and from its beginning: nothing writes meanwhile, for older consumers can't
-- work on what it makes, and what it drops it computes again from the ledger.

-- +goose Up

DROP TABLE IF EXISTS usage_delta;
DROP TABLE IF EXISTS usage_hourly;
DROP TABLE IF EXISTS usage_rollup;

-- Sums of new rows and differences of raised ones, appended with the rows themselves. quarter is the quarter of an hour, UTC,
-- in which the requests began: no time zone cuts its days finer. status_class is "2xx" and so on, NULL when the status is
-- unknown. On the rows of unit "request" stand the requests (quantity and records are both their number), how many of them
-- have missing or partial usage, and the sums of the ledger's columns of tokens; a row of any other unit has its quantity
-- alone. It has no other index: rows stay for seconds, and each index is kept twice, when they come and when they go.
CREATE TABLE usage_delta (
  id                 BIGINT         NOT NULL AUTO_INCREMENT,
  quarter            DATETIME       NOT NULL,
  consumer           VARCHAR(255)   NULL,
  route_id           VARCHAR(255)   NULL,
  service_id         VARCHAR(255)   NULL,
  model              VARCHAR(255)   NULL,
  status_class       VARCHAR(3)     NULL,
  billable           TINYINT(1)     NOT NULL,
  unit               VARCHAR(64)    NOT NULL,
  quantity           DECIMAL(38, 9) NOT NULL,
  records            BIGINT         NOT NULL DEFAULT 0,
  usage_missing      BIGINT         NOT NULL DEFAULT 0,
  usage_partial      BIGINT         NOT NULL DEFAULT 0,
  prompt_tokens      DECIMAL(30, 0) NOT NULL DEFAULT 0,
  completion_tokens  DECIMAL(30, 0) NOT NULL DEFAULT 0,
  total_tokens       DECIMAL(30, 0) NOT NULL DEFAULT 0,
  cached_tokens      DECIMAL(30, 0) NOT NULL DEFAULT 0,
  cache_write_tokens DECIMAL(30, 0) NOT NULL DEFAULT 0,
  reasoning_tokens   DECIMAL(30, 0) NOT NULL DEFAULT 0,
  audio_tokens       DECIMAL(30, 0) NOT NULL DEFAULT 0,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The same sums by hour (UTC), folded. bucket is a SHA-256 over the columns that may be NULL, which a unique key can't
-- compare.
CREATE TABLE usage_hourly (
  hour               DATETIME       NOT NULL,
  bucket             BINARY(32)     NOT NULL,
  unit               VARCHAR(64)    NOT NULL,
  consumer           VARCHAR(255)   NULL,
  route_id           VARCHAR(255)   NULL,
  service_id         VARCHAR(255)   NULL,
  model              VARCHAR(255)   NULL,
  status_class       VARCHAR(3)     NULL,
  billable           TINYINT(1)     NOT NULL,
  quantity           DECIMAL(38, 9) NOT NULL,
  records            BIGINT         NOT NULL,
  usage_missing      BIGINT         NOT NULL,
  usage_partial      BIGINT         NOT NULL,
  prompt_tokens      DECIMAL(30, 0) NOT NULL,
  completion_tokens  DECIMAL(30, 0) NOT NULL,
  total_tokens       DECIMAL(30, 0) NOT NULL,
  cached_tokens      DECIMAL(30, 0) NOT NULL,
  cache_write_tokens DECIMAL(30, 0) NOT NULL,
  reasoning_tokens   DECIMAL(30, 0) NOT NULL,
  audio_tokens       DECIMAL(30, 0) NOT NULL,
  PRIMARY KEY (hour, bucket, unit)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The same sums once more, cut as queries need them: by spans of 15, 60 or 1440 minutes (UTC), under all names or, where cut
-- is "consumer", under APISIX consumer and billable alone (the other names are NULL and mean nothing). Never sum over more
-- than one span and cut: each holds everything.
CREATE TABLE usage_rollup (
  span               INT            NOT NULL,
  cut                VARCHAR(16)    NOT NULL,
  start              DATETIME       NOT NULL,
  bucket             BINARY(32)     NOT NULL,
  unit               VARCHAR(64)    NOT NULL,
  consumer           VARCHAR(255)   NULL,
  route_id           VARCHAR(255)   NULL,
  service_id         VARCHAR(255)   NULL,
  model              VARCHAR(255)   NULL,
  status_class       VARCHAR(3)     NULL,
  billable           TINYINT(1)     NOT NULL,
  quantity           DECIMAL(38, 9) NOT NULL,
  records            BIGINT         NOT NULL,
  usage_missing      BIGINT         NOT NULL,
  usage_partial      BIGINT         NOT NULL,
  prompt_tokens      DECIMAL(30, 0) NOT NULL,
  completion_tokens  DECIMAL(30, 0) NOT NULL,
  total_tokens       DECIMAL(30, 0) NOT NULL,
  cached_tokens      DECIMAL(30, 0) NOT NULL,
  cache_write_tokens DECIMAL(30, 0) NOT NULL,
  reasoning_tokens   DECIMAL(30, 0) NOT NULL,
  audio_tokens       DECIMAL(30, 0) NOT NULL,
  PRIMARY KEY (span, cut, start, bucket, unit)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Whoever rebuilds sums locks this row meanwhile: one at a time.
INSERT INTO retention (kind) VALUES ('usage') ON DUPLICATE KEY UPDATE kind = VALUES(kind);

-- The ledger's own sums: what an older consumer left was adopted a moment ago. The groups are bytes and not names: to the
-- collation, names that differ in spaces at their end alone are one.
INSERT INTO usage_delta (
  quarter, consumer, route_id, service_id, model, status_class, billable, unit, quantity, records, usage_missing,
  usage_partial, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
  audio_tokens
)
SELECT MIN(quarter), MIN(consumer), MIN(route_id), MIN(service_id), MIN(model), MIN(status_class), MIN(billable), 'request',
  COUNT(*), COUNT(*), SUM(usage_state = 'missing'), SUM(usage_state = 'partial'), SUM(prompt_tokens), SUM(completion_tokens),
  SUM(total_tokens), SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens)
FROM (
  SELECT TIMESTAMPADD(MINUTE, -MOD(MINUTE(request_time), 15), CAST(DATE_FORMAT(request_time, '%Y-%m-%d %H:%i:00') AS DATETIME))
      AS quarter,
    consumer, route_id, service_id, model,
    CASE WHEN status BETWEEN 100 AND 999 THEN CONCAT(LEFT(status, 1), 'xx') END AS status_class, billable, usage_state,
    prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens
  FROM mq_consume_log
) AS records
GROUP BY quarter, UNHEX(SHA2(CONCAT(
    COALESCE(CONCAT(LENGTH(consumer), ':', consumer), '-'), COALESCE(CONCAT(LENGTH(route_id), ':', route_id), '-'),
    COALESCE(CONCAT(LENGTH(service_id), ':', service_id), '-'), COALESCE(CONCAT(LENGTH(model), ':', model), '-'),
    COALESCE(CONCAT(LENGTH(status_class), ':', status_class), '-'), billable), 256));

-- +goose Down
-- There is no way down: the quarters could not be told apart any more.
