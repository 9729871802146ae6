package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"
)

// Permission says what clients may do with a topic.
type Permission int

// The permissions of a topic.
const (
	WriteOnly Permission = 2
	ReadOnly  Permission = 4
	ReadWrite Permission = 6
)

// CreateTopic creates a topic on every broker, or gives an existing one another number of queues or permission. It
// returns when the name server tells of the topic.
func (r *RocketMQ) CreateTopic(ctx context.Context, topic string, queues int, permission Permission) error {
	brokers, err := r.clusterBrokers(ctx)
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	number := strconv.Itoa(queues)
	for _, broker := range brokers {
		_, err := r.call(ctx, broker.addr, updateTopic, map[string]string{
			"topic": topic, "defaultTopic": "TBW102", "readQueueNums": number, "writeQueueNums": number,
			"perm": strconv.Itoa(int(permission)), "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
		}, nil)
		if err != nil {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
	}
	return r.awaitRoute(ctx, topic, queues*len(brokers))
}

func (r *RocketMQ) awaitRoute(ctx context.Context, topic string, queues int) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	tick := time.NewTicker(readyTick)
	defer tick.Stop()
	for {
		known, err := r.queues(ctx, topic)
		if err == nil && len(known) == queues {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("topic %s: the name server tells of %d queues, not %d", topic, len(known), queues), err)
		case <-tick.C:
		}
	}
}

// DeleteTopic removes a topic from the brokers and the name servers.
func (r *RocketMQ) DeleteTopic(ctx context.Context, topic string) error {
	brokers, err := r.clusterBrokers(ctx)
	errs := []error{err}
	for _, broker := range brokers {
		_, err := r.call(ctx, broker.addr, deleteTopicInBroker, map[string]string{"topic": topic}, nil)
		errs = append(errs, err)
	}
	for _, addr := range r.NameServers() {
		_, err := r.call(ctx, addr, deleteTopicInNameServer, map[string]string{"topic": topic}, nil)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("delete topic %s: %w", topic, err)
	}
	return nil
}

// RetryTopic is where the messages that a group sends back wait for their redelivery.
func RetryTopic(group string) string { return "%RETRY%" + group }

// CreateGroup creates a consumer group with its retry topic: without it the first redelivery to a new group takes 40 s.
func (r *RocketMQ) CreateGroup(ctx context.Context, group string) error {
	if err := r.ConfigureGroup(ctx, group, 1); err != nil {
		return err
	}
	return r.CreateTopic(ctx, RetryTopic(group), 1, ReadWrite)
}

// ConfigureGroup creates a consumer group, or gives an existing one another number of retry queues; with none a broker
// drops what the group sends back.
func (r *RocketMQ) ConfigureGroup(ctx context.Context, group string, retryQueues int) error {
	brokers, err := r.clusterBrokers(ctx)
	if err != nil {
		return fmt.Errorf("create group %s: %w", group, err)
	}
	config, err := json.Marshal(map[string]any{
		"groupName": group, "consumeEnable": true, "consumeFromMinEnable": true, "consumeBroadcastEnable": true,
		"retryQueueNums": retryQueues, "retryMaxTimes": 16, "brokerId": 0, "notifyConsumerIdsChangedEnable": true,
	})
	if err != nil {
		return err
	}
	for _, broker := range brokers {
		if _, err := r.call(ctx, broker.addr, updateSubscriptionGroup, nil, config); err != nil {
			return fmt.Errorf("create group %s: %w", group, err)
		}
	}
	return nil
}

// DeleteGroup removes a consumer group, its offsets and its retry topic.
func (r *RocketMQ) DeleteGroup(ctx context.Context, group string) error {
	brokers, err := r.clusterBrokers(ctx)
	errs := []error{err}
	for _, broker := range brokers {
		_, err := r.call(ctx, broker.addr, deleteSubscriptionGroup,
			map[string]string{"groupName": group, "cleanOffset": "true"}, nil)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("delete group %s: %w", group, err)
	}
	return r.DeleteTopic(ctx, RetryTopic(group))
}

// NewTopic creates a topic for one test, with that many queues, and deletes it when the test ends.
func (r *RocketMQ) NewTopic(t testing.TB, queues int) (topic string) {
	t.Helper()
	topic = uniqueName(t, "-")
	if err := r.CreateTopic(t.Context(), topic, queues, ReadWrite); err != nil {
		t.Fatal(err)
	}
	r.cleanup(t, func(ctx context.Context) error { return r.DeleteTopic(ctx, topic) })
	return topic
}

// NewGroup creates a consumer group for one test, with its retry topic, and deletes both when the test ends.
func (r *RocketMQ) NewGroup(t testing.TB) (group string) {
	t.Helper()
	group = uniqueName(t, "-")
	if err := r.CreateGroup(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	r.cleanup(t, func(ctx context.Context) error { return r.DeleteGroup(ctx, group) })
	return group
}

// cleanup undoes something at the end of a test, unless the test left the servers dead: then the data go with them.
func (r *RocketMQ) cleanup(t testing.TB, undo func(context.Context) error) {
	t.Cleanup(func() {
		if r.Broker.dead() || r.NameServer.dead() {
			return
		}
		if err := undo(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// Expire has the broker delete all messages but those in the newest file of its log, as if its retention had passed. It is
// done at the broker's next look, one every 10 s, the first a minute after its start. How large a file is,
// mappedFileSizeCommitLog says (RocketMQOptions.BrokerConfig).
func (r *RocketMQ) Expire(ctx context.Context) error {
	if _, err := r.call(ctx, r.Broker.addr, updateBrokerConfig, nil, []byte("fileReservedTime=0\n")); err != nil {
		return fmt.Errorf("expire: %w", err)
	}
	if _, err := r.call(ctx, r.Broker.addr, deleteExpiredLog, nil, nil); err != nil {
		return fmt.Errorf("expire: %w", err)
	}
	return nil
}
