package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Position is how far a replay has come. Input names what is read: a position of another input is refused.
type Position struct {
	Input string `json:"input"`
	// Line is how many lines of a file are done.
	Line int64 `json:"line,omitempty"`
	// Queues are the next offsets, by "broker/queue".
	Queues map[string]int64 `json:"queues,omitempty"`
}

// ErrInput is an input that can't be read, or is another than the position was kept of; to try again changes nothing.
var ErrInput = errors.New("input")

// Load reads the position that Save kept; the zero Position where there is none.
func Load(path string) (Position, error) {
	var p Position
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, fmt.Errorf("position in %s: %w", path, err)
	}
	return p, nil
}

// Save keeps a position in a file, as a whole or not at all.
func Save(path string, p Position) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = fresh.Write(append(text, '\n'))
	err = errors.Join(err, fresh.Sync(), fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh.Name()))
	}
	return nil
}
