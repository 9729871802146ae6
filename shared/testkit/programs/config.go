package programs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// ConsumerConfig is what a configuration file of billing-consumer says; everything else keeps its default.
type ConsumerConfig struct {
	NameServers  []string
	Topic, Group string
	// DSN is in the form of go-sql-driver/mysql.
	DSN string
}

// Write writes the file.
func (c ConsumerConfig) Write(path string) error {
	return os.WriteFile(path, fmt.Appendf(nil, `rocketmq:
  name_servers: [%s]
  topic: %s
  group: %s
mysql:
  dsn: %q
http:
  listen: 127.0.0.1:0
`, strings.Join(c.NameServers, ", "), c.Topic, c.Group, c.DSN), 0o600)
}

// Gaps lists the numbers of stamps that did not arrive, of all runs, settled or not: a JSON object a line.
func Gaps(ctx context.Context, binary, config string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, binary, "gaps", "--config", config, "--settle", "0s", "--all", "--output", "json")
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("billing-consumer gaps: %w\n%s", err, problem.String())
	}
	return out, nil
}

// Migrate brings the schema of a configuration's database up to date.
func Migrate(ctx context.Context, binary, config string) error {
	out, err := exec.CommandContext(ctx, binary, "migrate", "up", "--config", config).CombinedOutput()
	if err != nil {
		return fmt.Errorf("billing-consumer migrate up: %w\n%s", err, out)
	}
	return nil
}
