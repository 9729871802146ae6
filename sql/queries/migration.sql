-- name: AcquireMigrationLock :one
-- AcquireMigrationLock waits for the lock that lets one migration at a time change this database. 1: held; 0: not
-- within the seconds given. It belongs to the connection.
SELECT CAST(COALESCE(GET_LOCK(CONCAT('billing migrate ', LEFT(SHA2(DATABASE(), 256), 40)), sqlc.arg(seconds)), 0)
  AS SIGNED) AS held;

-- name: ReleaseMigrationLock :one
-- ReleaseMigrationLock gives the lock back. 1: released.
SELECT CAST(COALESCE(RELEASE_LOCK(CONCAT('billing migrate ', LEFT(SHA2(DATABASE(), 256), 40))), 0)
  AS SIGNED) AS released;

-- name: StartVersions :exec
-- StartVersions writes version 0, which goose expects, if there is no version yet.
INSERT INTO billing_schema_version (version_id, is_applied)
SELECT 0, 1 FROM (SELECT COUNT(*) AS versions FROM billing_schema_version) AS had WHERE had.versions = 0;

-- name: SchemaVersion :one
-- SchemaVersion is the highest version that was applied.
SELECT CAST(COALESCE(MAX(version_id), 0) AS SIGNED) AS version FROM billing_schema_version WHERE is_applied = 1;

-- name: RaiseOldest :exec
-- RaiseOldest notes the oldest version of the code that can work on this schema.
INSERT INTO billing_schema_oldest (id, version) VALUES (1, sqlc.arg(version))
ON DUPLICATE KEY UPDATE version = GREATEST(version, VALUES(version));

-- name: OldestVersion :one
-- OldestVersion is the oldest version of the code that can work on this schema.
SELECT version FROM billing_schema_oldest WHERE id = 1;
