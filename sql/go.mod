module gateway-billing.internal/sql

go 1.26

require (
	github.com/pressly/goose/v3 v3.29.0
)
