-- name: ListConflicts :many
-- ListConflicts reads the records whose key another request holds, each beside that one, the latest first. Without a
-- consumer it reads all, else those in which the APISIX consumer stands on either side.
SELECT c.billing_key, c.claimed_key, c.request_time, c.msg_id, c.billable, c.consumer, c.route_id, c.client_ip, c.method,
  c.uri, c.status, h.key_source AS holder_key_source, h.key_state AS holder_key_state, h.msg_id AS holder_msg_id,
  h.billable AS holder_billable, h.consumer AS holder_consumer, h.route_id AS holder_route_id,
  h.client_ip AS holder_client_ip, h.method AS holder_method, h.uri AS holder_uri, h.status AS holder_status
FROM mq_consume_log AS c LEFT JOIN mq_consume_log AS h ON h.billing_key = c.claimed_key
WHERE c.claimed_key IS NOT NULL
  AND c.request_time >= sqlc.arg(time_from) AND c.request_time < sqlc.arg(time_to)
  AND (sqlc.narg(consumer) IS NULL OR c.consumer = sqlc.narg(consumer) OR h.consumer = sqlc.narg(consumer))
ORDER BY c.request_time DESC, c.billing_key
LIMIT ?;
