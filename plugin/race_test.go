//go:build race

package main

// The runner is built as its tests are.
func init() { buildFlags = []string{"-race"} } //nolint:gochecknoinits // a build tag has no other way to say it
