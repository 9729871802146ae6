package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"

	"gateway-billing.internal/consumer/internal/config"
)

// However a configuration is printed or encoded, its secrets are not in it.
func TestSecretsAreNeverShown(t *testing.T) {
	cfg := config.Default()
	for _, s := range []*config.Secret{
		&cfg.RocketMQ.AccessKey, &cfg.RocketMQ.SecretKey, &cfg.RocketMQ.SecurityToken, &cfg.MySQL.DSN, &cfg.Stamp.Keys,
	} {
		*s = "s3cr3t"
	}
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := zerolog.New(&log)
	logger.Info().Interface("config", cfg).Stringer("dsn", cfg.MySQL.DSN).Send()
	for name, text := range map[string]string{
		"%v": fmt.Sprint(cfg), "%+v": fmt.Sprintf("%+v", cfg), "%#v": fmt.Sprintf("%#v", cfg), "Sprint": fmt.Sprint(cfg.MySQL.DSN),
		"%q": fmt.Sprintf("%q", cfg.MySQL.DSN), "%x": fmt.Sprintf("%x", cfg.MySQL.DSN),
		"json": string(asJSON), "yaml": string(asYAML), "log": log.String(),
	} {
		if strings.Contains(text, "s3cr3t") || strings.Contains(text, fmt.Sprintf("%x", "s3cr3t")) {
			t.Errorf("%s shows a secret: %s", name, text)
		}
	}
	if cfg.MySQL.DSN.Reveal() != "s3cr3t" {
		t.Error("the secret is lost")
	}
}

// A start is written as it is read.
func TestStart(t *testing.T) {
	for _, text := range []string{"first", "last", "2026-01-31T08:00:00Z"} {
		var start config.Start
		if err := start.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := start.MarshalText(); string(got) != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}
