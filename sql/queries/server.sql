-- name: MaxAllowedPacket :one
-- MaxAllowedPacket is the size in bytes of the largest statement that the server takes.
SELECT CAST(@@max_allowed_packet AS SIGNED) AS bytes;
