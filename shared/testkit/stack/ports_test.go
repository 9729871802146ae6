package stack

import (
	"errors"
	"fmt"
	"net"
	"testing"
)

func TestFreePortIsFree(t *testing.T) {
	port, err := freePort(-2, 1)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", loopback(port))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, distances := range [][]int{{0}, {0, 1}, {-2, 0}} {
		// The port that is taken is the one at the first distance.
		if asked := port - distances[0]; allFree(asked, distances) {
			t.Errorf("port %d is said to be free at the distances %v", asked, distances)
		}
	}
}

func TestOnFreePortsTriesAgain(t *testing.T) {
	taken := fmt.Errorf("start the broker: %w\njava.net.BindException: Address already in use", errEnded)
	for _, tc := range []struct {
		name  string
		errs  []error // of one start after the other
		tries int
	}{
		{"at once", []error{nil}, 1},
		{"the port was taken twice", []error{taken, taken, nil}, 3},
		{"it is always taken", []error{taken, taken, taken, taken, taken, taken}, 5},
		{"another reason", []error{fmt.Errorf("unknown option: %w", errEnded)}, 1},
		{"it did not end", []error{errors.New("not ready; before: address already in use")}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tries := 0
			err := onFreePorts(func() error {
				tries++
				return tc.errs[tries-1]
			})
			if tries != tc.tries || !errors.Is(err, tc.errs[tries-1]) {
				t.Errorf("%v after %d tries, want %d", err, tries, tc.tries)
			}
		})
	}
}
