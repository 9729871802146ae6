CREATE TABLE `mq_consume_log` (
  `id` BIGINT NOT NULL AUTO_INCREMENT,
  `msg_id` VARCHAR(64) NOT NULL,
  `topic` VARCHAR(128) NOT NULL,
  `tags` VARCHAR(128) DEFAULT NULL,
  `message_keys` VARCHAR(128) DEFAULT NULL,
  `body` TEXT NOT NULL,
  `route_id` VARCHAR(64) NOT NULL,
  `prompt_tokens` INT NOT NULL DEFAULT 0,
  `completion_tokens` INT NOT NULL DEFAULT 0,
  `total_tokens` INT NOT NULL DEFAULT 0,
  `create_time` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `ux_msg_id` (`msg_id`),
  KEY `idx_route_id` (`route_id`),
  KEY `idx_create_time` (`create_time`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
