package socket

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// carry takes the bytes of one direction of a connection until either side ends.
type carry func(to io.Writer, from io.Reader)

// relay listens at a path and takes each connection on to the runner's, both directions by carry.
type relay struct {
	listener net.Listener
	target   string
	carry    carry
	wg       sync.WaitGroup
}

func startRelay(path, target string, carry carry) (*relay, error) {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	r := &relay{listener: listener, target: target, carry: carry}
	r.wg.Go(r.accept)
	return r, nil
}

func (r *relay) accept() {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		to, err := net.Dial("unix", r.target)
		if err != nil {
			from.Close() // the runner is down
			continue
		}
		for _, way := range [][2]net.Conn{{to, from}, {from, to}} {
			r.wg.Go(func() {
				defer from.Close()
				defer to.Close()
				r.carry(way[0], way[1])
			})
		}
	}
}

// close ends the relay; its connections end with their clients'.
func (r *relay) close() {
	r.listener.Close()
	r.wg.Wait()
}

// inPieces carries a few bytes at a time.
func inPieces(to io.Writer, from io.Reader) {
	for {
		if _, err := io.CopyN(to, from, 1+rand.Int64N(900)); err != nil {
			return
		}
	}
}

// slowly carries what there is after a while: a reader that is behind.
func slowly(to io.Writer, from io.Reader) {
	for part := make([]byte, 8<<10); ; {
		n, err := from.Read(part)
		if err != nil {
			return
		}
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		if _, err := to.Write(part[:n]); err != nil {
			return
		}
	}
}

// cutOff carries some bytes, and ends the connection wherever that is.
func cutOff(to io.Writer, from io.Reader) { _, _ = io.CopyN(to, from, rand.Int64N(4000)) }
