package stack

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// javaServer runs one of RocketMQ's main classes.
type javaServer struct{ java, jars string }

func (j javaServer) server(name, home string, port int, class string, memory, config []string,
	ready func(context.Context) error,
) (*Server, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(home, "server.conf")
	if err := os.WriteFile(file, []byte(strings.Join(config, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	args := append(memory, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:MaxMetaspaceSize=128m",
		"-Duser.home="+home, "-Drmq.log.level=WARN", "-cp", filepath.Join(j.jars, "*"), class, "-c", file)
	return &Server{
		name: name,
		addr: loopback(port),
		log:  filepath.Join(home, "log"),
		command: func() *exec.Cmd {
			cmd := exec.Command(j.java, args...)
			cmd.Dir = home
			cmd.Env = append(os.Environ(), "ROCKETMQ_HOME="+home)
			return cmd
		},
		ready: ready,
	}, nil
}
