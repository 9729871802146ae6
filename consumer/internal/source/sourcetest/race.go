//go:build race

package sourcetest

const raceEnabled = true
