package artifact

import (
	"archive/zip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openCache(t *testing.T, pom string) *Cache {
	t.Helper()
	t.Setenv(CacheEnv, t.TempDir())
	cache, err := Open([]byte(pom))
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

func TestOnceFillsOnce(t *testing.T) {
	cache := openCache(t, "pom")
	var filled int // the lock is what keeps this from a data race
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			place, err := cache.once(t.Context(), "thing", func(dir string) error {
				filled++
				return os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if text, err := os.ReadFile(filepath.Join(place, "file")); err != nil || string(text) != "content" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	group.Wait()
	if filled != 1 {
		t.Errorf("filled %d times", filled)
	}
}

func TestFailedFillLeavesNothing(t *testing.T) {
	cache := openCache(t, "pom")
	broken := errors.New("broken")
	_, err := cache.once(t.Context(), "thing", func(dir string) error {
		return errors.Join(broken, os.WriteFile(filepath.Join(dir, "half"), nil, 0o600))
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "thing") {
		t.Errorf("error %v", err)
	}
	if left := entries(t, cache.dir); len(left) != 1 || left[0] != "lock" {
		t.Errorf("left in the cache: %v", left)
	}
}

func TestWaitingForTheCacheEnds(t *testing.T) {
	cache := openCache(t, "pom")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := cache.once(t.Context(), "thing", func(string) error {
		cancel()
		_, err := cache.once(ctx, "other", func(string) error { return nil })
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAnotherPomHasAnotherDirectory(t *testing.T) {
	first := openCache(t, "pom")
	second, err := Open([]byte("pom of a newer version"))
	if err != nil {
		t.Fatal(err)
	}
	if first.dir == second.dir {
		t.Errorf("both are in %s", first.dir)
	}
}

func TestDatabaseOfAnUnknownPlatform(t *testing.T) {
	if _, err := openCache(t, "<id>database-plan9-mips</id>").Database(t.Context()); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("error %v", err)
	}
}

func TestUnpackStaysInItsDirectory(t *testing.T) {
	dir := t.TempDir()
	jar := filepath.Join(dir, "bad.jar")
	file, err := os.Create(jar)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	for _, name := range []string{"META-INF/MANIFEST.MF", "bin/server", "../outside"} {
		if _, err := archive.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	if err := unpack(jar, filepath.Join(dir, "into")); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("error %v", err)
	}
	if found := entries(t, dir); len(found) != 2 {
		t.Errorf("in the directory: %v", found)
	}
	if info, err := os.Stat(filepath.Join(dir, "into", "bin", "server")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("the server can't be executed: %v, %v", info, err)
	}
}
