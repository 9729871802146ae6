module gateway-billing.internal/plugin

go 1.26

require (
	gateway-billing.internal/shared v0.0.0
	gateway-billing.internal/shared/testkit v0.0.0
	github.com/apache/apisix-go-plugin-runner v0.5.0
	github.com/rs/zerolog v1.35.1
	go.uber.org/goleak v1.3.0
)

replace gateway-billing.internal/shared => ../shared

replace gateway-billing.internal/shared/testkit => ../shared/testkit
