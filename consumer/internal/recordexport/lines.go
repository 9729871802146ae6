package recordexport

import (
	"bufio"
	"encoding/json"
	"io"
	"os"

	"gateway-billing.internal/consumer/internal/ledger"
)

// lines writes NDJSON.
type lines struct {
	out     *bufio.Writer
	encoder *json.Encoder
	file    *os.File // nil for a stream
}

func newLines(w io.Writer, file *os.File) *lines {
	out := bufio.NewWriterSize(w, 1<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return &lines{out, encoder, file}
}

func (l *lines) Write(page []ledger.Exported) error {
	for i := range page {
		if err := l.encoder.Encode(&page[i]); err != nil {
			return err
		}
	}
	return l.out.Flush()
}

func (l *lines) Close() error { return finish(l.file) }

// finish makes sure that a file is on the disk.
func finish(f *os.File) error {
	if f == nil {
		return nil
	}
	err := f.Sync()
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
