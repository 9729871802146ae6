module gateway-billing.internal/consumer

go 1.26

require (
	gateway-billing.internal/shared v0.0.0
	gateway-billing.internal/shared/testkit v0.0.0
	gateway-billing.internal/sql v0.0.0
	github.com/apache/rocketmq-client-go/v2 v2.1.2
	github.com/go-sql-driver/mysql v1.10.1
	github.com/go-viper/mapstructure/v2 v2.4.0
	github.com/knadh/koanf/parsers/yaml v1.1.0
	github.com/knadh/koanf/providers/env/v2 v2.0.0
	github.com/knadh/koanf/providers/file v1.2.0
	github.com/knadh/koanf/v2 v2.3.0
	github.com/pressly/goose/v3 v3.29.0
	github.com/prometheus/client_golang v1.23.2
	github.com/rs/zerolog v1.35.1
	github.com/spf13/cobra v1.10.1
	go.uber.org/goleak v1.3.0
)

replace gateway-billing.internal/shared => ../shared

replace gateway-billing.internal/shared/testkit => ../shared/testkit

replace gateway-billing.internal/sql => ../sql
