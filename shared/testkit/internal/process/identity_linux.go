package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// StartTime tells a process from a later one of the same ID: the clock ticks from boot to its start. It fails when no
// such process runs.
func StartTime(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The second field is the program's name in parentheses, and may hold anything. The start is field 22.
	const state, start = 3, 22
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= start-state || fields[0][0] == 'Z' {
		return "", errors.New("the process has ended")
	}
	return string(fields[start-state]), nil
}
