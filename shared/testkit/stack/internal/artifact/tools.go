package artifact

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
)

// oldestJava is the first version of Java that runs the servers and Maven.
const oldestJava = 11

// aptPackages bring Java and Maven on Debian and Ubuntu.
var aptPackages = []string{"default-jre-headless", "maven"}

// Java returns the path of a Java that is new enough: JAVA_HOME's, else the one in PATH, else on Debian and Ubuntu as
// root a newly installed one.
func Java(ctx context.Context) (string, error) {
	java, err := tool(ctx, "java", os.Getenv("JAVA_HOME"))
	if err != nil {
		return "", err
	}
	// #nosec: the program is the one the user's environment names.
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s -version: %w\n%s", java, err, out)
	}
	version := javaVersion(out)
	if version < oldestJava {
		return "", fmt.Errorf("%s is Java %d, and %d or newer is needed: %s", java, version, oldestJava, advice())
	}
	return java, nil
}

var versionPattern = regexp.MustCompile(`version "(?:1\.)?(\d+)`)

// javaVersion reads `openjdk version "17.0.15" …` and `java version "1.8.0_402"`; 0 when it can't.
func javaVersion(out []byte) int {
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return 0
	}
	version, _ := strconv.Atoi(string(match[1]))
	return version
}

// maven copies the jars of one profile of the pom into dir.
func (c *Cache) maven(ctx context.Context, profile, dir string) error {
	if _, err := Java(ctx); err != nil {
		return err
	}
	mvn, err := tool(ctx, "mvn", os.Getenv("MAVEN_HOME"))
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Downloading %s by Maven, once for this user, into %s.\n", profile, c.dir)
	work, err := os.MkdirTemp("", "billing-maven-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	pom := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pom, c.pom, 0o600); err != nil {
		return err
	}
	// The plugin's version is the one that the pom's pluginManagement names.
	cmd := exec.CommandContext(ctx, mvn, "-B", "-q", "-ntp", "-f", pom, "-P", profile,
		"org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
	}
	return nil
}

// tool finds a program in home/bin or PATH, and installs it where that can be done.
func tool(ctx context.Context, name, home string) (string, error) {
	if home != "" {
		file := filepath.Join(home, "bin", name)
		if path, err := exec.LookPath(file); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	if !canInstall() {
		return "", fmt.Errorf("%s is missing: %s", name, advice())
	}
	if err := install(ctx); err != nil {
		return "", fmt.Errorf("%s is missing and could not be installed: %w", name, err)
	}
	return exec.LookPath(name)
}

func hasApt() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil
}

func canInstall() bool { return runtime.GOOS == "linux" && os.Geteuid() == 0 && hasApt() }

// advice is what a person does where this process may not.
func advice() string {
	if hasApt() {
		return "sudo apt-get update && sudo apt-get install --no-install-recommends " +
			aptPackages[0] + " " + aptPackages[1]
	}
	return fmt.Sprintf("install a Java runtime, version %d or newer, and Maven, and put java and mvn into PATH", oldestJava)
}

// install runs at most once in a process.
var installOnce struct {
	sync.Once
	err error
}

func install(ctx context.Context) error {
	installOnce.Do(func() {
		fmt.Fprintf(os.Stderr, "Installing %s and %s by apt-get, once for this machine.\n", aptPackages[0], aptPackages[1])
		installOnce.err = aptGet(ctx, "update")
		if installOnce.err == nil {
			installOnce.err = aptGet(ctx, append([]string{"install", "-y", "--no-install-recommends"}, aptPackages...)...)
		}
	})
	return installOnce.err
}

func aptGet(ctx context.Context, args ...string) error {
	args = append([]string{"-q", "-o", "DPkg::Lock::Timeout=300"}, args...)
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
	}
	return nil
}
