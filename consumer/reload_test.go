package main_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gateway-billing.internal/shared/billingkey"
)

// Keys rotate without a restart: a stamp of a key that the consumer does not have yet is not believed, and is after SIGHUP.
// A file that can't be read changes nothing, and a key that is gone is told of.
func TestKeysRotateOnHangup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	secret := func(id string) string {
		return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(id, 16))) + "\n"
	}
	file := filepath.Join(t.TempDir(), "keys")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret("k1"))
	w.root = "stamp:\n  keys_file: " + file + "\n"
	c := w.start(t)
	send := w.producer(t)
	requests := 0
	// stateOf sends a request that is stamped under the key, and gives what became of its stamp.
	stateOf := func(id string) string {
		t.Helper()
		keys, err := billingkey.ParseKeys(secret(id))
		if err != nil {
			t.Fatal(err)
		}
		sealer, err := billingkey.NewSealer(keys, billingkey.NewEpoch(time.Now(), uint64(requests)), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		requests++
		ms := time.Now().UnixMilli()
		stamp, err := sealer.Seal(billingkey.Stamp{
			RequestID: billingkey.RequestID{15: byte(requests)}, IDSource: billingkey.IDFromVar, Time: time.UnixMilli(ms), Runner: "r",
		})
		if err != nil {
			t.Fatal(err)
		}
		request := fmt.Sprintf("%032x", requests)
		send(fmt.Appendf(nil, `{"billing":{"request_id":%q,"stamp":%q},"start_time":%d,"request":{},"response":{}}`, request, stamp, ms))
		await(t, 30*time.Second, "its record", func() bool { return w.records(t) == requests })
		var state string
		if err := w.db.QueryRowContext(t.Context(), "SELECT key_state FROM mq_consume_log WHERE request_id = ?", request).Scan(&state); err != nil {
			t.Fatal(err)
		}
		return state
	}
	hangup := func(told string) {
		t.Helper()
		if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		await(t, 10*time.Second, told, func() bool { return strings.Contains(c.log.String(), told) })
	}
	if a, b := stateOf("k1"), stateOf("k2"); a != "verified" || b != "unknown_key" {
		t.Errorf("before: %s and %s", a, b)
	}
	write(secret("k2") + secret("k1"))
	hangup(`"keys":["k2","k1"]`)
	if a, b := stateOf("k1"), stateOf("k2"); a != "verified" || b != "verified" {
		t.Errorf("after: %s and %s", a, b)
	}
	write("k3:not base64")
	hangup("the old ones stay")
	if got := stateOf("k2"); got != "verified" {
		t.Errorf("after a bad file: %s", got)
	}
	write(secret("k2"))
	hangup("one is gone")
	if strings.Contains(c.log.String(), strings.TrimSpace(secret("k2"))[3:20]) {
		t.Error("the log shows a secret")
	}
	c.terminate(t, 40*time.Second)
}
