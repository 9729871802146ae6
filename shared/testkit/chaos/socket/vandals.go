package socket

import (
	"context"
	"crypto/rand"
	"io"
	mathrand "math/rand/v2"
	"net"
	"time"
)

// Vandals open connections until ctx ends and send what is no call: nothing, half a frame, a frame of noise, a length that is
// never kept; or send one frame after another and never read an answer. They return how many they were.
func Vandals(ctx context.Context, socket string, every time.Duration) (n int) {
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			conn.Close()
		}
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return n
		case <-tick.C:
		}
		conn, err := net.Dial("unix", socket)
		if err != nil {
			continue // the runner is down
		}
		n++
		conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		vandalise(conn)
		// Some of them stay.
		if open = append(open, conn); len(open) > 20 {
			i := mathrand.IntN(len(open))
			open[i].Close()
			open[i] = open[len(open)-1]
			open = open[:len(open)-1]
		}
	}
}

func vandalise(conn net.Conn) {
	noise := make([]byte, 200)
	rand.Read(noise)
	send := func(parts ...string) {
		for _, part := range parts {
			_, _ = io.WriteString(conn, part) // it may be cut off at once
		}
	}
	switch kind := string([]byte{byte(mathrand.IntN(6))}); mathrand.IntN(6) {
	case 0: // nothing
	case 1:
		send("\x02\x00")
	case 2:
		send("\x02\x00\x00\xff", string(noise))
	case 3:
		send(kind, "\x00\x00\xc8", string(noise))
	case 4:
		send("\x02\xff\xff\xff", string(noise))
	case 5: // answers that nobody reads
		for range 2000 {
			send("\x09\x00\x00\x01a")
		}
	}
}
