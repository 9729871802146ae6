package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"

	"gateway-billing.internal/shared/testkit/stack/internal/artifact"
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

// What the servers say about a port that somebody else has is told from other reasons by their logs.
func TestServersOnATakenPort(t *testing.T) {
	skipShort(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	taken := listener.Addr().(*net.TCPAddr).Port
	cache, err := artifact.Open(pom)
	if err != nil {
		t.Fatal(err)
	}
	run, err := prepareRocketMQ(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	never := func(context.Context) error { return errors.New("not ready") }

	t.Run("name server", func(t *testing.T) {
		server, err := run.nameServer(t.TempDir(), taken, never)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(t.Context()); !portTaken(err) {
			t.Errorf("taken for another reason: %v", err)
		}
	})
	t.Run("broker", func(t *testing.T) {
		server, err := run.broker(t.TempDir(), taken, "127.0.0.1:1", RocketMQOptions{}, never)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(t.Context()); !portTaken(err) {
			t.Errorf("taken for another reason: %v", err)
		}
	})
	t.Run("database", func(t *testing.T) {
		_, err := newDatabase(t.Context(), cache, t.TempDir(), "", []string{"--port=" + strconv.Itoa(taken)})
		if !portTaken(err) {
			t.Errorf("taken for another reason: %v", err)
		}
	})
}
