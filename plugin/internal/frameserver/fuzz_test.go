package frameserver

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/apache/apisix-go-plugin-runner/inside"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"

	"gateway-billing.internal/plugin/internal/runnermetrics"
)

// Whatever comes over a connection ends no more than the connection, and each frame that came whole was taken.
func FuzzConnection(f *testing.F) {
	inside.KeepConf(time.Hour)
	for _, seed := range []string{
		"", "\x02", "\x02\x00\x00\x00", "\x01\x00\x00\x04\x00\x00\x00\x00", "\x02\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xff",
		frame("x") + frame("y"), "\x02\xff\xff\xffabc", "\x02\x00\x00\x0c\x0c\x00\x00\x00\x08\x00\x08\x00\x00\x00\x04\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		metrics := runnermetrics.New(prometheus.NewRegistry())
		server := New(Options{Handle: inside.Handle, Metrics: metrics, Log: zerolog.Nop()})
		here, there := net.Pipe()
		server.start(there)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = io.Copy(io.Discard, here) })
		_, _ = here.Write(data) // the server may have ended the connection
		_ = here.Close()
		server.wg.Wait()
		wg.Wait()
		if n := testutil.ToFloat64(metrics.Connections); n != 0 {
			t.Errorf("%v connections are open", n)
		}
		if len(data) >= headLength && len(data) >= headLength+payloadLength(data) && testutil.CollectAndCount(metrics.Calls) == 0 {
			t.Error("a whole frame was not taken")
		}
	})
}
