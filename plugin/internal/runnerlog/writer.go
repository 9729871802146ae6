// Package runnerlog owns the bridge from the log of apisix-go-plugin-runner, which is zap's console format, to the
// zerolog lines of the program.
package runnerlog

import (
	"strings"

	"github.com/rs/zerolog"
)

// maxMessage bounds what one line of the runner adds to the log, in bytes.
const maxMessage = 1024

// Writer takes zap's console lines, one entry a Write, and logs each as one zerolog line. It implements
// zapcore.WriteSyncer.
type Writer struct {
	log zerolog.Logger
}

// New makes a Writer that logs to log.
func New(log zerolog.Logger) *Writer {
	return &Writer{log: log.With().Str("from", "apisix-go-plugin-runner").Logger()}
}

// Write logs one entry: "time <tab> LEVEL <tab> caller <tab> message", then lines of a stack that says nothing of
// interest and is left out. An entry of another form is a warning, as a whole. It never fails.
func (w *Writer) Write(entry []byte) (int, error) {
	level, caller, message := parse(string(entry))
	event := w.log.WithLevel(level)
	if caller != "" {
		event = event.Str("caller", caller)
	}
	event.Msg(message)
	return len(entry), nil
}

// Sync does nothing: Write has handed its line on before it returns.
func (w *Writer) Sync() error { return nil }

var levels = map[string]zerolog.Level{
	"DEBUG": zerolog.DebugLevel, "INFO": zerolog.InfoLevel, "WARN": zerolog.WarnLevel, "ERROR": zerolog.ErrorLevel,
	"DPANIC": zerolog.PanicLevel, "PANIC": zerolog.PanicLevel, "FATAL": zerolog.FatalLevel,
}

func parse(entry string) (level zerolog.Level, caller, message string) {
	parts := strings.SplitN(entry, "\t", 4)
	level, known := zerolog.WarnLevel, false
	if len(parts) == 4 {
		level, known = levels[parts[1]]
	}
	if !known {
		return zerolog.WarnLevel, "", cut(strings.TrimSpace(entry))
	}
	message, _, _ = strings.Cut(parts[3], "\n")
	return level, parts[2], cut(message)
}

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxMessage)], "") }
