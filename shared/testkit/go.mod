module gateway-billing.internal/shared/testkit

go 1.26

require (
	gateway-billing.internal/shared v0.0.0
	github.com/apache/rocketmq-client-go/v2 v2.1.2
	github.com/api7/ext-plugin-proto v0.6.1
	github.com/go-sql-driver/mysql v1.10.1
	go.uber.org/goleak v1.3.0
)

replace gateway-billing.internal/shared => ../
