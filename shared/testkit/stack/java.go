package stack

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// javaServer runs one of RocketMQ's main classes.
type javaServer struct{ java, jars string }

func (j javaServer) nameServer(home string, port int, ready func(context.Context) error) (*Server, error) {
	return j.server("name server", home, port, "org.apache.rocketmq.namesrv.NamesrvStartup",
		append([]string{"-Xms48m", "-Xmx96m"}, quick...), []string{"bindAddress=127.0.0.1", "listenPort=" + strconv.Itoa(port)}, ready)
}

func (j javaServer) broker(home string, port int, nameServer string, options RocketMQOptions, ready func(context.Context) error,
) (*Server, error) {
	jvm := options.BrokerJVM
	if jvm == nil {
		jvm = append([]string{"-Xms256m", "-Xmx512m", "-XX:MaxDirectMemorySize=256m"}, quick...)
	}
	return j.server("broker", home, port, "org.apache.rocketmq.broker.BrokerStartup", jvm,
		append(brokerConfig(home, port, nameServer), options.BrokerConfig...), ready)
}

// quick lets a server start fast and take little; it never becomes as fast as one that compiles its code whole.
var quick = []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}

// brokerConfig keeps the broker small and its retries quick. A topic must be created before it is used: creation by a
// producer's first message loses some of the first messages. On a busy machine it does not refuse messages that waited for
// 200 ms: a test asks what becomes of those that it took.
func brokerConfig(home string, port int, nameServer string) []string {
	store := filepath.ToSlash(filepath.Join(home, "store"))
	return []string{
		"brokerClusterName=billing", "brokerName=broker-a", "brokerId=0",
		"brokerIP1=127.0.0.1", "brokerIP2=127.0.0.1", "bindAddress=127.0.0.1",
		"listenPort=" + strconv.Itoa(port), "haListenPort=" + strconv.Itoa(port+1),
		"namesrvAddr=" + nameServer, "registerNameServerPeriod=10000",
		"storePathRootDir=" + store, "storePathCommitLog=" + store + "/commitlog",
		"flushDiskType=ASYNC_FLUSH", "diskMaxUsedSpaceRatio=98", "fileReservedTime=4",
		"mappedFileSizeCommitLog=67108864", "mappedFileSizeConsumeQueue=600000",
		"maxIndexNum=100000", "maxHashSlotNum=25000", "mappedFileSizeTimerLog=1048576", "traceOn=false",
		"autoCreateTopicEnable=false", "waitTimeMillsInSendQueue=30000", "osPageCacheBusyTimeOutMills=30000",
		"messageDelayLevel=1s 1s 1s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s",
	}
}

func (j javaServer) server(name, home string, port int, class string, jvm, config []string,
	ready func(context.Context) error,
) (*Server, error) {
	temp := filepath.Join(home, "tmp") // the servers leave keys and libraries there
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(home, "server.conf")
	if err := os.WriteFile(file, []byte(strings.Join(config, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	args := append(slices.Clone(jvm), "-XX:MaxMetaspaceSize=128m", "-XX:-UsePerfData",
		"-Djava.io.tmpdir="+temp, "-Duser.home="+home, "-Drmq.log.level=WARN", "-cp", filepath.Join(j.jars, "*"), class, "-c", file)
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
