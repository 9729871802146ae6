-- name: InsertClaim :exec
-- InsertClaim gives an idempotency key to a request, or locks the row of the one that holds it already.
INSERT INTO idempotency_claim (
  claim, billing_key, request_time, success
) VALUES (
  ?, ?, ?, ?
) ON DUPLICATE KEY UPDATE claim = claim;

-- name: HeldClaims :many
-- HeldClaims says which requests hold the claims, all of which this transaction has locked.
SELECT claim, billing_key, request_time, success FROM idempotency_claim
WHERE claim IN (sqlc.slice(claims));

-- name: MoveClaim :exec
-- MoveClaim gives a claim that this transaction has locked to another request.
UPDATE idempotency_claim SET billing_key = sqlc.arg(billing_key), request_time = sqlc.arg(request_time),
  success = sqlc.arg(success)
WHERE claim = sqlc.arg(claim);
