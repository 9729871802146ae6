// Package schedule owns when which fault happens: a plan is a pure function of its seed, and a run of it heals every
// fault that it applied, also when it is broken off.
package schedule
