-- The server, the session's own clock in both zones, and whom the server takes us for.
SELECT VERSION(), CURRENT_USER(), NOW(6), UTC_TIMESTAMP(6)
