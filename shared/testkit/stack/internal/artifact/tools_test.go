//go:build unix

package artifact

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fakes makes PATH hold nothing but shell scripts of these names, and clears what else says where tools are.
func fakes(t *testing.T, scripts map[string]string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("JAVA_HOME", "")
	t.Setenv("MAVEN_HOME", "")
	installOnce.Once, installOnce.err = sync.Once{}, nil
	return bin
}

const java17 = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`

func TestJava(t *testing.T) {
	for _, tc := range []struct{ name, script, want string }{
		{"new enough", java17, ""},
		{"the oldest that will do", `echo 'openjdk version "11" 2018-09-25' >&2`, ""},
		{"too old", `echo 'java version "1.8.0_402"' >&2`, "is Java 8, and 11 or newer is needed"},
		{"not Java", `echo hello`, "is Java 0"},
		{"broken", `echo no memory >&2; exit 1`, "no memory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bin := fakes(t, map[string]string{"java": tc.script})
			path, err := Java(t.Context())
			if tc.want == "" && (err != nil || path != filepath.Join(bin, "java")) {
				t.Errorf("%s, %v", path, err)
			}
			if tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestJavaHomeComesFirst(t *testing.T) {
	fakes(t, map[string]string{"java": "exit 1"})
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(home, "bin", "java")
	if err := os.WriteFile(want, []byte("#!/bin/sh\n"+java17+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JAVA_HOME", home)
	if got, err := Java(t.Context()); got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestMissingTool(t *testing.T) {
	t.Run("without apt", func(t *testing.T) {
		fakes(t, nil)
		if _, err := Java(t.Context()); err == nil || !strings.Contains(err.Error(), "install a Java runtime, version 11") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("with apt", func(t *testing.T) {
		// This apt-get writes down how it is called, and installs a Maven that does so, too.
		bin := fakes(t, map[string]string{"java": java17, "apt-get": `
			dir=${0%/*}
			echo "$DEBIAN_FRONTEND $*" >>"$dir/calls"
			case "$*" in *install*) printf '#!/bin/sh\n' >"$dir/mvn"; PATH=/bin:/usr/bin chmod +x "$dir/mvn";; esac`})
		err := openCache(t, "pom").maven(t.Context(), "rocketmq", t.TempDir())
		calls, _ := os.ReadFile(filepath.Join(bin, "calls"))
		if os.Geteuid() != 0 {
			if want := "sudo apt-get update && sudo apt-get install --no-install-recommends default-jre-headless maven"; err == nil ||
				!strings.Contains(err.Error(), want) || len(calls) > 0 {
				t.Errorf("error %v after calls %q, want the command %q", err, calls, want)
			}
			return
		}
		want := "noninteractive -q -o DPkg::Lock::Timeout=300 update\n" +
			"noninteractive -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends default-jre-headless maven\n"
		if err != nil || string(calls) != want {
			t.Errorf("error %v after calls %q, want %q", err, calls, want)
		}
	})
	t.Run("with an apt that fails", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root installs")
		}
		fakes(t, map[string]string{"apt-get": "echo no network; exit 100"})
		_, err := Java(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no network") || !strings.Contains(err.Error(), "java is missing") {
			t.Errorf("error %v", err)
		}
	})
}

func TestMavenShowsItsOutputWhenItFails(t *testing.T) {
	fakes(t, map[string]string{"java": java17, "mvn": "echo '[ERROR] no such artifact'; exit 1"})
	_, err := openCache(t, "pom").RocketMQ(t.Context())
	if err == nil || !strings.Contains(err.Error(), "[ERROR] no such artifact") {
		t.Errorf("error %v", err)
	}
}

func TestMissingLibraryIsNamed(t *testing.T) {
	out := "mariadbd: error while loading shared libraries: libsystemd.so.0: cannot open shared object file: No such file"
	err := startError(os.ErrInvalid, []byte(out))
	if !strings.Contains(err.Error(), "needs the shared library libsystemd.so.0,") {
		t.Errorf("error %v", err)
	}
	if err := startError(os.ErrInvalid, []byte("something else")); !strings.Contains(err.Error(), "something else") {
		t.Errorf("error %v", err)
	}
}
