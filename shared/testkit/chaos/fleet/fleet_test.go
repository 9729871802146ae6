package fleet

import (
	"bytes"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test's own binary stands in for the consumer, since a consumer that ends by itself can't be had otherwise: it runs
// until SIGTERM, or ends at once.
const roleEnv = "FLEET_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		goleak.VerifyTestMain(m)
	case "ends":
		os.Exit(3)
	default:
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		os.Stdout.WriteString("up " + os.Getenv(pointEnv) + "\n")
		<-term
		if strings.HasPrefix(os.Getenv(pointEnv), "drain:") {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		os.Exit(0)
	}
}

func fleetOf(t *testing.T, role string) *Fleet {
	f := New(Config{Binary: os.Args[0], Logs: t.TempDir(), Env: []string{roleEnv + "=" + role}})
	t.Cleanup(func() {
		if err := f.End(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// await polls until n members have said that they are up, with what they print.
func await(t *testing.T, f *Fleet, n int, print string) {
	t.Helper()
	for t.Context().Err() == nil {
		up := 0
		for _, m := range f.running() {
			if log, err := os.ReadFile(m.log); err == nil && bytes.Contains(log, []byte("up "+print)) {
				up++
			}
		}
		if up == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func failed(f *Fleet) error {
	select {
	case err := <-f.Failed():
		return err
	default:
		return nil
	}
}

func TestWhoIsKilledIsReplacedAndWhoDrainsToo(t *testing.T) {
	f := fleetOf(t, "runs")
	if err := f.Scale(3); err != nil {
		t.Fatal(err)
	}
	await(t, f, 3, "")
	if err := f.Kill(1); err != nil {
		t.Fatal(err)
	}
	await(t, f, 3, "")
	if err := f.Restart(2); err != nil {
		t.Fatal(err)
	}
	await(t, f, 3, "")
	drain, err := f.Arm(0, "drain", 1)
	if err != nil {
		t.Fatal(err)
	}
	await(t, f, 1, "drain:1")
	if err := drain(); err != nil {
		t.Fatalf("a point in the drain is no failure: %v", err)
	}
	if err := f.Scale(1); err != nil {
		t.Fatal(err)
	}
	if err := f.Stop(); err != nil || failed(f) != nil || len(f.running()) != 0 {
		t.Errorf("%v, %v", err, failed(f))
	}
}

func TestAConsumerThatEndsByItselfFailsTheRun(t *testing.T) {
	f := fleetOf(t, "ends")
	if err := f.Scale(1); err != nil {
		t.Fatal(err)
	}
	if err := <-f.Failed(); err == nil || !strings.Contains(err.Error(), "ended by itself: exit status 3") {
		t.Errorf("%v", err)
	}
}
