INSERT INTO usage_delta (hour, consumer, route_id, service_id, model, status_class, billable, unit, quantity, records)
SELECT hour, NULL, route_id, NULL, NULL, NULL, 1, unit, SUM(quantity), SUM(records)
FROM (
  SELECT CAST(DATE_FORMAT(l.request_time, '%Y-%m-%d %H:00:00') AS DATETIME) AS hour, l.route_id, u.unit,
    CASE u.unit
      WHEN 'request' THEN 1
      WHEN 'prompt_tokens' THEN l.prompt_tokens
      WHEN 'completion_tokens' THEN l.completion_tokens
      ELSE l.total_tokens
    END AS quantity,
    CASE u.unit WHEN 'request' THEN 1 ELSE 0 END AS records
  FROM mq_consume_log AS l
  CROSS JOIN (
    SELECT 'request' AS unit UNION ALL SELECT 'prompt_tokens' UNION ALL SELECT 'completion_tokens'
    UNION ALL SELECT 'total_tokens'
  ) AS u
  WHERE l.id > ? AND l.id <= ? AND l.key_state = 'adopted'
) AS part
GROUP BY hour, route_id, unit
HAVING SUM(quantity) <> 0
