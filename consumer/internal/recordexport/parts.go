package recordexport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parquet-go/parquet-go"

	"gateway-billing.internal/consumer/internal/ledger"
)

// partRows is how many records one part holds: what is lost where an export is interrupted, and what is held in memory of
// its row groups is bounded by groupRows.
const (
	partRows  = 1_000_000
	groupRows = 50_000
)

// parts writes files of Parquet, name-0001.parquet and so on.
type parts struct {
	name   string
	number int
	rows   int
	file   *os.File
	writer *parquet.GenericWriter[ledger.Exported]
}

func toParts(name string, resume bool) (*parts, *ledger.Exported, error) {
	p := &parts{name: strings.TrimSuffix(name, ".parquet")}
	for {
		_, err := os.Stat(p.path(p.number + 1))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if p.number++; !resume {
			return nil, nil, fmt.Errorf("%s %w", p.path(p.number), ErrExists)
		}
	}
	if p.number == 0 {
		return p, nil, nil
	}
	last, err := lastOf(p.path(p.number))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.path(p.number), err)
	}
	return p, last, nil
}

func (p *parts) path(number int) string { return fmt.Sprintf("%s-%04d.parquet", p.name, number) }

// lastOf is the last record of a part.
func lastOf(name string) (*ledger.Exported, error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, err
	}
	reader := parquet.NewGenericReader[ledger.Exported](file)
	defer reader.Close()
	if reader.NumRows() == 0 {
		return nil, errors.New("holds no record")
	}
	if err := reader.SeekToRow(reader.NumRows() - 1); err != nil {
		return nil, err
	}
	last := make([]ledger.Exported, 1)
	if n, err := reader.Read(last); n != 1 {
		return nil, fmt.Errorf("its last record: %w", err)
	}
	return &last[0], nil
}

func (p *parts) Write(page []ledger.Exported) error {
	if len(page) == 0 {
		return nil
	}
	if p.writer == nil {
		file, err := os.Create(p.path(p.number+1) + ".partial")
		if err != nil {
			return err
		}
		p.file, p.rows = file, 0
		p.writer = parquet.NewGenericWriter[ledger.Exported](file, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(groupRows))
	}
	if _, err := p.writer.Write(page); err != nil {
		return err
	}
	if p.rows += len(page); p.rows >= partRows {
		return p.Close()
	}
	return nil
}

// Close makes a part of what was taken, under its own name now that it is whole.
func (p *parts) Close() error {
	if p.writer == nil {
		return nil
	}
	err := p.writer.Close()
	if finishing := finish(p.file); err == nil {
		err = finishing
	}
	if err != nil {
		return err
	}
	p.number++
	p.writer = nil
	return os.Rename(p.path(p.number)+".partial", p.path(p.number))
}
