package source

import (
	"fmt"
	"net"
	"strconv"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// checkAddr accepts host:port with an IPv4 address, an IPv6 address in brackets, or a DNS name.
func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port", addr)
	}
	if host == "" {
		return fmt.Errorf("%q has no host", addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%q: the port is not in 1..65535", addr)
	}
	return nil
}

// clientAddrs writes the addresses so that the client takes them. It refuses DNS names, but not behind "http://" (made
// for cloud endpoints), which it cuts off again before it dials: so names are resolved at each connection, and a name
// server that moved is found again.
func clientAddrs(addrs []string) primitive.NamesrvAddr {
	out := make(primitive.NamesrvAddr, len(addrs))
	for i, addr := range addrs {
		out[i] = "http://" + addr
	}
	return out
}
