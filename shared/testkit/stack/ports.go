package stack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
)

// Ports come from below the ranges that operating systems take for outgoing connections: there a client that knocks on
// the port of a killed server might be given that very port, and the server could not come back.
const (
	lowestPort  = 20000
	highestPort = 32000
)

// freePort returns a port such that it and its neighbours at the given distances are free on loopback.
func freePort(neighbours ...int) (int, error) {
	for range 100 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if allFree(port, append(neighbours, 0)) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d", lowestPort, highestPort)
}

func allFree(port int, distances []int) bool {
	for _, distance := range distances {
		// Every address: a server that listens on all of them would take the port from us, too.
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(port+distance))
		if err != nil {
			return false
		}
		listener.Close()
	}
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// onFreePorts runs start, which picks free ports and starts servers on them, again where somebody else took a port in
// between. A start that fails leaves nothing running.
func onFreePorts(start func() error) error {
	const tries = 5
	for try := 1; ; try++ {
		err := start()
		if err == nil || try == tries || !portTaken(err) {
			return err
		}
	}
}

// portTaken reads the servers' logs in the error: MariaDB says "Bind on TCP/IP port", Java "Address already in use".
func portTaken(err error) bool {
	text := strings.ToLower(err.Error())
	return errors.Is(err, errEnded) && (strings.Contains(text, "bind on tcp/ip port") ||
		strings.Contains(text, "address already in use") || strings.Contains(text, "bindexception"))
}
