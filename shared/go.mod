module gateway-billing.internal/shared

go 1.26.0
