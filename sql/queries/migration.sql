-- name: AcquireMigrationLock :one
-- AcquireMigrationLock waits for the lock that lets one migration at a time change this database. 1: held; 0: not
-- within the seconds given; NULL: an error. It belongs to the connection.
SELECT CAST(GET_LOCK(CONCAT('billing migrate ', LEFT(SHA2(DATABASE(), 256), 40)), sqlc.arg(seconds)) AS SIGNED) AS held;

-- name: ReleaseMigrationLock :one
-- ReleaseMigrationLock gives the lock back. 1: released.
SELECT CAST(RELEASE_LOCK(CONCAT('billing migrate ', LEFT(SHA2(DATABASE(), 256), 40))) AS SIGNED) AS released;
