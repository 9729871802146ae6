module gateway-billing.internal/plugin

go 1.26.0

require (
	gateway-billing.internal/shared v0.0.0
	gateway-billing.internal/shared/testkit v0.0.0
	github.com/apache/apisix-go-plugin-runner v0.5.0
	github.com/edsrzf/mmap-go v1.2.0
	github.com/gofrs/flock v0.13.0
	github.com/rs/zerolog v1.35.1
	go.uber.org/goleak v1.3.0
	go.uber.org/zap v1.17.0
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/kylelemons/godebug v1.1.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.2 // indirect
	github.com/prometheus/common v0.66.1 // indirect
	github.com/prometheus/procfs v0.16.1 // indirect
	go.yaml.in/yaml/v2 v2.4.2 // indirect
	google.golang.org/protobuf v1.36.8 // indirect
)

require (
	github.com/ReneKroon/ttlcache/v2 v2.4.0 // indirect
	github.com/apache/apisix-go-plugin-runner/inside v0.0.0
	github.com/api7/ext-plugin-proto v0.6.1 // indirect
	github.com/google/flatbuffers v2.0.0+incompatible // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/prometheus/client_golang v1.23.2
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/multierr v1.7.0 // indirect
	golang.org/x/sys v0.37.0 // indirect
)

replace gateway-billing.internal/shared => ../shared

replace gateway-billing.internal/shared/testkit => ../shared/testkit

replace github.com/apache/apisix-go-plugin-runner/inside => ./inside
