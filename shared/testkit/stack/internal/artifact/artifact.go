// Package artifact owns the servers' files: it brings them from Maven into a cache of this user, unpacks the database
// and prepares an empty data directory of it, once. What is in the cache is whole: it is made beside its place and
// renamed into it, under a lock that processes of several checkouts share.
package artifact

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"gateway-billing.internal/shared/testkit/stack/internal/filelock"
)

// CacheEnv names the directory of the cache; without it, gateway-billing in the user's cache directory.
const CacheEnv = "BILLING_TEST_CACHE"

// layout changes whenever this package lays out the cache in another way.
const layout = "1"

// ErrNoDatabase: the pom has no database for this operating system and architecture.
var ErrNoDatabase = errors.New("no MariaDB is packaged for " + runtime.GOOS + "/" + runtime.GOARCH)

// Cache is where the files of one pom lie.
type Cache struct {
	dir string
	pom []byte
}

// Open returns the cache for a pom. Another pom has another directory.
func Open(pom []byte) (*Cache, error) {
	root := os.Getenv(CacheEnv)
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no cache directory (set %s): %w", CacheEnv, err)
		}
		root = filepath.Join(user, "gateway-billing")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(append([]byte(layout), pom...))
	dir := filepath.Join(root, fmt.Sprintf("servers-%x", hash[:8]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return &Cache{dir: dir, pom: pom}, nil
}

// RocketMQ returns the directory that holds the jars of the name server and the broker.
func (c *Cache) RocketMQ(ctx context.Context) (string, error) {
	return c.once(ctx, "rocketmq", func(dir string) error { return c.maven(ctx, "rocketmq", dir) })
}

// Database returns an unpacked MariaDB with an empty data directory.
func (c *Cache) Database(ctx context.Context) (*MariaDB, error) {
	profile := "database-" + runtime.GOOS + "-" + runtime.GOARCH
	if !strings.Contains(string(c.pom), "<id>"+profile+"</id>") {
		return nil, ErrNoDatabase
	}
	dir, err := c.once(ctx, profile, func(dir string) error {
		jars := filepath.Join(dir, "jars")
		if err := c.maven(ctx, profile, jars); err != nil {
			return err
		}
		if err := unpackAll(jars, dir); err != nil {
			return err
		}
		if err := os.RemoveAll(jars); err != nil {
			return err
		}
		db, err := find(dir)
		if err != nil {
			return err
		}
		return db.install(ctx)
	})
	if err != nil {
		return nil, err
	}
	return find(dir)
}

// once returns the directory of that name, made by fill if it is not there yet. Of several processes that ask at the
// same time one fills it and the others wait.
func (c *Cache) once(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	place := filepath.Join(c.dir, name)
	if _, err := os.Stat(place); err == nil {
		return place, nil
	}
	unlock, err := filelock.Lock(ctx, filepath.Join(c.dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("lock %s: %w", c.dir, err)
	}
	defer unlock()
	if _, err := os.Stat(place); err == nil {
		return place, nil
	}
	fresh, err := os.MkdirTemp(c.dir, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := fill(fresh); err != nil {
		return "", fmt.Errorf("prepare %s: %w", name, err)
	}
	err = os.Rename(fresh, place)
	if errors.Is(err, fs.ErrExist) {
		err = nil // where no lock can be had, the other process was quicker
	}
	return place, err
}

// unpackAll unpacks what lies under ch/ in the jars of a directory.
func unpackAll(jars, dir string) error {
	names, err := filepath.Glob(filepath.Join(jars, "*.jar"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := unpack(name, dir); err != nil {
			return fmt.Errorf("unpack %s: %w", filepath.Base(name), err)
		}
	}
	return nil
}

func unpack(jar, dir string) error {
	archive, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, file := range archive.File {
		if file.FileInfo().IsDir() || strings.HasPrefix(file.Name, "META-INF/") {
			continue
		}
		if !filepath.IsLocal(file.Name) {
			return fmt.Errorf("%q leads out of the archive", file.Name)
		}
		if err := writeFile(file, filepath.Join(dir, filepath.FromSlash(file.Name))); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(file *zip.File, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := file.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	// A jar keeps no permissions: programs and scripts lie among the rest.
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
