package recordexport

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"gateway-billing.internal/consumer/internal/ledger"
)

// openFile opens a file to append to, cut behind its last record that is whole, which is returned. empty: nothing is in it.
func openFile(form Form, name string, resume bool) (f *os.File, last *ledger.Exported, empty bool, err error) {
	if !resume {
		f, err = os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%s %w", name, ErrExists)
		}
		return f, nil, true, err
	}
	if f, err = os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, nil, false, err
	}
	whole, last, err := wholeRecords(form, f)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		f.Close() //nolint:errcheck // nothing was written
		return nil, nil, false, fmt.Errorf("%s: %w", name, err)
	}
	return f, last, whole == 0, nil
}

// wholeRecords says how many bytes of a file are whole records, and gives the last.
func wholeRecords(form Form, f *os.File) (whole int64, last *ledger.Exported, err error) {
	if form == CSV {
		return wholeRows(f)
	}
	in := bufio.NewReaderSize(f, 1<<20)
	var kept, cut []byte
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			cut = line // what has no end yet is cut off
			break
		}
		if err != nil {
			return 0, nil, err
		}
		whole += int64(len(line))
		kept = line
	}
	if kept == nil {
		return 0, nil, begins(cut, `{"id":`)
	}
	last = &ledger.Exported{}
	if err := json.Unmarshal(kept, last); err != nil || last.BillingKey == "" {
		return 0, nil, errors.New("its last line is no exported record")
	}
	return whole, last, nil
}

// begins is an error where a text that was cut off can't be of an export: nothing else may be cut.
func begins(text []byte, export string) error {
	n := min(len(text), len(export))
	if string(text[:n]) != export[:n] {
		return errors.New("is no export")
	}
	return nil
}

// wholeRows reads a CSV file to its last row that is whole: ends of lines may stand in its fields.
func wholeRows(f *os.File) (whole int64, last *ledger.Exported, err error) {
	head := strings.Join(header(), ",") + "\n"
	first := make([]byte, len(head))
	n, err := f.ReadAt(first, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, err
	}
	if err := begins(first[:n], head); err != nil {
		return 0, nil, err
	}
	if n < len(head) {
		return 0, nil, nil // cut within it
	}
	in := csv.NewReader(bufio.NewReaderSize(f, 1<<20))
	in.ReuseRecord = true
	var kept []string
	for {
		row, err := in.Read()
		if err != nil { // the end, or a row that has none: then nothing is behind it
			if _, end := in.Read(); !errors.Is(end, io.EOF) {
				return 0, nil, fmt.Errorf("is no export: %w", err)
			}
			break
		}
		end := in.InputOffset()
		var newline [1]byte
		if _, err := f.ReadAt(newline[:], end-1); err != nil || newline[0] != '\n' {
			break
		}
		if whole > 0 {
			kept = append(kept[:0], row...)
		}
		whole = end
	}
	if kept == nil {
		return whole, nil, nil
	}
	last, err = fromRow(kept)
	return whole, last, err
}
