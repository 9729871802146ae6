// Package programs owns the project's binaries as processes: how demo and chaos runs configure, start, hurt and stop
// them. It knows their command lines and nothing of their code.
package programs
