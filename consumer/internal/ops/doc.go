// Package ops owns what a running consumer shows to those who operate it: whether it lives, whether it is ready, and
// its numbers (metrics.go holds all of them in one table). It serves them over HTTP on a listener of its own.
package ops
