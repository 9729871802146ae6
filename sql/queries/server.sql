-- name: MaxAllowedPacket :one
-- MaxAllowedPacket is the size in bytes of the largest statement that the server takes.
SELECT CAST(@@max_allowed_packet AS SIGNED) AS bytes;

-- name: TakesBytes :one
-- TakesBytes asks for the length of a text, so that a statement of this size goes to the server and carries nothing else.
SELECT CAST(LENGTH(sqlc.arg(text)) AS SIGNED) AS bytes;
