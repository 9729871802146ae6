package stack_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
	"gateway-billing.internal/shared/testkit/stack/internal/remoting"
)

// send sends one message as a client does, by a request of its own: the client's library would leave goroutines. It
// returns the message's ID at the broker.
func send(ctx context.Context, mq *stack.RocketMQ, topic, queue string) (msgID string, err error) {
	response, err := remoting.Client{}.Call(ctx, mq.Broker.Addr(), remoting.Request{
		Code: 10,
		Fields: map[string]string{
			"producerGroup": "test", "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": "4",
			"queueId": queue, "sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0", "properties": "",
			"reconsumeTimes": "0", "unitMode": "false", "batch": "false",
		},
		Body: []byte("body"),
	})
	if err != nil {
		return "", err
	}
	return response.Fields["msgId"], nil
}

// sendBack gives a message back for its redelivery, as a client does for one that could not be processed.
func sendBack(ctx context.Context, mq *stack.RocketMQ, msgID, group string) error {
	// The ID ends in the message's place in the broker's log, 8 bytes in hex.
	offset, err := strconv.ParseInt(msgID[len(msgID)-16:], 16, 64)
	if err != nil {
		return err
	}
	_, err = remoting.Client{}.Call(ctx, mq.Broker.Addr(), remoting.Request{Code: 36, Fields: map[string]string{
		"offset": strconv.FormatInt(offset, 10), "group": group, "delayLevel": "1", "originMsgId": msgID,
		"originTopic": "", "unitMode": "false", "maxReconsumeTimes": "16",
	}})
	return err
}

func maxOffsets(t *testing.T, mq *stack.RocketMQ, topic string) []int64 {
	t.Helper()
	offsets, err := mq.MaxOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return offsets
}

func TestTopicsAndGroups(t *testing.T) {
	mq := stack.Shared(t).RocketMQ
	var topic, group string
	t.Run("one test", func(t *testing.T) {
		topic, group = mq.NewTopic(t, 3), mq.NewGroup(t)
		if _, err := send(t.Context(), mq, topic, "1"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the message is in its queue", func() bool { return slices.Equal(maxOffsets(t, mq, topic), []int64{0, 1, 0}) })
		if got := maxOffsets(t, mq, stack.RetryTopic(group)); !slices.Equal(got, []int64{0}) {
			t.Errorf("max offsets of the retry topic %v", got)
		}
		committed, err := mq.CommittedOffsets(t.Context(), group, topic)
		if err != nil || !slices.Equal(committed, []int64{stack.NotCommitted, stack.NotCommitted, stack.NotCommitted}) {
			t.Errorf("committed %v, %v", committed, err)
		}
		// What a client sends to say how far it is.
		_, err = remoting.Client{}.Call(t.Context(), mq.Broker.Addr(), remoting.Request{Code: 15, Fields: map[string]string{
			"consumerGroup": group, "topic": topic, "queueId": "1", "commitOffset": "1",
		}})
		if err != nil {
			t.Fatal(err)
		}
		committed, err = mq.CommittedOffsets(t.Context(), group, topic)
		if err != nil || !slices.Equal(committed, []int64{stack.NotCommitted, 1, stack.NotCommitted}) {
			t.Errorf("committed %v, %v", committed, err)
		}
	})
	for _, gone := range []string{topic, stack.RetryTopic(group)} {
		if offsets, err := mq.MaxOffsets(t.Context(), gone); err == nil {
			t.Errorf("topic %s outlived its test: %v", gone, offsets)
		}
	}
}

func TestPermissionOfARetryTopic(t *testing.T) {
	mq := stack.Shared(t).RocketMQ
	topic, group := mq.NewTopic(t, 1), mq.NewGroup(t)
	msgID, err := send(t.Context(), mq, topic, "0")
	if err != nil {
		t.Fatal(err)
	}
	if err := mq.CreateTopic(t.Context(), stack.RetryTopic(group), 1, stack.ReadOnly); err != nil {
		t.Fatal(err)
	}
	const noPermission = 16
	var refused *remoting.Error
	if err := sendBack(t.Context(), mq, msgID, group); !errors.As(err, &refused) || refused.Code != noPermission {
		t.Errorf("send back to a read-only topic: %v", err)
	}
	if err := mq.CreateTopic(t.Context(), stack.RetryTopic(group), 1, stack.ReadWrite); err != nil {
		t.Fatal(err)
	}
	if err := sendBack(t.Context(), mq, msgID, group); err != nil {
		t.Error(err)
	}
	// The delay levels are short: the first redelivery comes within seconds.
	eventually(t, "the message is in the retry topic", func() bool {
		return maxOffsets(t, mq, stack.RetryTopic(group))[0] == 1
	})
}

func TestRocketMQKeepsItsDataAndAddresses(t *testing.T) {
	mq := stack.StartRocketMQ(t, stack.RocketMQOptions{})
	topic := mq.NewTopic(t, 2)
	for i, server := range []*stack.Server{mq.Broker, mq.NameServer, mq.Broker} {
		if _, err := send(t.Context(), mq, topic, "1"); err != nil {
			t.Fatal(err)
		}
		addr := server.Addr()
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Ready means that clients find the topic, without waiting for the broker's next report.
		eventually(t, fmt.Sprintf("the messages are there after %d restarts", i+1), func() bool {
			return slices.Equal(maxOffsets(t, mq, topic), []int64{0, int64(i) + 1})
		})
		if server.Addr() != addr {
			t.Errorf("address %s became %s", addr, server.Addr())
		}
	}

	if err := mq.Broker.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := send(ctx, mq, topic, "0"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("send to a paused broker: %v", err)
	}
	if err := mq.Broker.Resume(); err != nil {
		t.Fatal(err)
	}
	if _, err := send(t.Context(), mq, topic, "0"); err != nil {
		t.Error(err)
	}
}

func TestBrokerThatAsksForCredentials(t *testing.T) {
	const auth = "org.apache.rocketmq.auth."
	mq := stack.StartRocketMQ(t, stack.RocketMQOptions{
		AccessKey: "admin", SecretKey: "admin-secret",
		BrokerConfig: []string{
			"authenticationEnabled=true",
			"authenticationProvider=" + auth + "authentication.provider.DefaultAuthenticationProvider",
			"authenticationMetadataProvider=" + auth + "authentication.provider.LocalAuthenticationMetadataProvider",
			`initAuthenticationUser={"username":"admin","password":"admin-secret"}`,
			`innerClientAuthenticationCredentials={"accessKey":"admin","secretKey":"admin-secret"}`,
		},
	})
	topic := mq.NewTopic(t, 1)
	if _, err := send(t.Context(), mq, topic, "0"); err == nil || !strings.Contains(err.Error(), "answer code") {
		t.Errorf("unsigned send: %v", err)
	}
	if got := maxOffsets(t, mq, topic); !slices.Equal(got, []int64{0}) {
		t.Errorf("max offsets %v", got)
	}
}
