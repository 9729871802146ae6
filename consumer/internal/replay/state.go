package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// State is how far a replay came.
type State struct {
	Version int `json:"version"`
	// Of says what is replayed: a state of another replay is refused.
	Of string `json:"of"`
	// Positions are by lane; a lane without one is read from its beginning.
	Positions map[string]Position `json:"positions"`
	// Totals count the messages before the positions.
	Totals Totals `json:"totals"`
}

const stateVersion = 1

// NewState is the state of a replay that begins.
func NewState(of string) *State {
	return &State{Version: stateVersion, Of: of, Positions: map[string]Position{}}
}

// LoadState reads a state file; where there is none, the replay begins.
func LoadState(path, of string) (*State, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return NewState(of), nil
	}
	if err != nil {
		return nil, err
	}
	s := &State{}
	if err := json.Unmarshal(text, s); err != nil || s.Version != stateVersion {
		return nil, fmt.Errorf("%s: is no state of a replay by this version", path)
	}
	if s.Of != of {
		return nil, fmt.Errorf("%s: is the state of another replay: %s; this is %s", path, s.Of, of)
	}
	if s.Positions == nil {
		s.Positions = map[string]Position{}
	}
	return s, nil
}

// Save writes the state over the file's earlier one, so that there is always a whole one.
func (s *State) Save(path string) (err error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// clone is a copy that the run does not change.
func (s *State) clone() *State {
	c := *s
	c.Positions, c.Totals.Reasons = maps.Clone(s.Positions), maps.Clone(s.Totals.Reasons)
	return &c
}
