package main_test

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A rolling upgrade: while requests flow, a later version migrates the schema under the running consumers of this one,
// which go on and can be started again, and takes their places one by one. The later version is this one with a migration
// more (build tag nextschema).
func TestTwoVersionsThroughAMigration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	later := filepath.Join(t.TempDir(), "billing-consumer")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "nextschema", "-o", later, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	const requests = 12_000
	sent := w.sendInBackground(t, requests)
	flowed := func(part int64) {
		t.Helper()
		await(t, 60*time.Second, "requests sent", func() bool { return sent.Load() >= requests*part/6 })
	}
	first, second := w.start(t), w.start(t)
	await(t, 60*time.Second, "records", func() bool { return w.records(t) > 0 })
	if out, err := exec.CommandContext(t.Context(), later, "migrate", "up", "--config", w.config(t)).CombinedOutput(); err != nil {
		t.Fatalf("migrate up by the later version: %v\n%s", err, out)
	}
	flowed(2)
	second.terminate(t, 40*time.Second)
	second = w.start(t) // this version again, on the schema of the later one
	flowed(3)
	w.binary = later
	third := w.start(t)
	first.terminate(t, 40*time.Second)
	flowed(4)
	fourth := w.start(t)
	second.terminate(t, 40*time.Second)
	flowed(6)
	await(t, 60*time.Second, "all records", func() bool { return w.records(t) >= requests })
	w.settled(t)
	third.terminate(t, 40*time.Second)
	fourth.terminate(t, 40*time.Second)
	w.exact(t, requests)
	w.notReconsumed(t)
}
