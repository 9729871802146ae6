package artifact

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// ErrNoPrometheus: this machine can't get a Prometheus. The error that wraps it says why.
var ErrNoPrometheus = errors.New("no Prometheus can be had here")

// Prometheus is an unpacked Prometheus, with promtool.
type Prometheus struct{ root string }

// Prometheus returns an unpacked Prometheus: Debian's stable one. The error wraps ErrNoPrometheus.
func (c *Cache) Prometheus(ctx context.Context) (*Prometheus, error) {
	dir, err := c.once(ctx, "prometheus", func(dir string) error {
		return c.debian(ctx, "prometheus", "stable", filepath.Join(dir, "root"))
	})
	if errors.Is(err, errNotHere) {
		err = fmt.Errorf("%w: %w", ErrNoPrometheus, err)
	}
	return &Prometheus{root: filepath.Join(dir, "root")}, err
}

// Server runs the server.
func (p *Prometheus) Server(args ...string) *exec.Cmd {
	return ofDebian(p.root, filepath.Join("usr", "bin", "prometheus"), args...)
}

// Promtool runs the tool that checks rules and runs their unit tests.
func (p *Prometheus) Promtool(args ...string) *exec.Cmd {
	return ofDebian(p.root, filepath.Join("usr", "bin", "promtool"), args...)
}
