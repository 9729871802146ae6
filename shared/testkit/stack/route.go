package stack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gateway-billing.internal/shared/testkit/stack/internal/remoting"
)

// Request codes of RocketMQ (RequestCode.java of 5.3), the ones used here.
const (
	queryConsumerOffset     = 14
	updateTopic             = 17
	updateBrokerConfig      = 25
	getMaxOffset            = 30
	getRouteInfo            = 105
	getBrokerClusterInfo    = 106
	updateSubscriptionGroup = 200
	deleteSubscriptionGroup = 207
	deleteTopicInBroker     = 215
	deleteTopicInNameServer = 216
	deleteExpiredLog        = 329
	createUser              = 3001
	createACL               = 3006
)

// Answer codes that are no failure here.
const (
	topicNotExist = 17
	queryNotFound = 22
)

func (r *RocketMQ) call(ctx context.Context, addr string, code int, fields map[string]string, body []byte) (*remoting.Response, error) {
	return r.client.Call(ctx, addr, remoting.Request{Code: code, Fields: fields, Body: body})
}

func isCode(err error, code int) bool {
	var answer *remoting.Error
	return errors.As(err, &answer) && answer.Code == code
}

// NameServers lists the name servers' addresses (host:port), as clients take them.
func (r *RocketMQ) NameServers() []string { return strings.Split(r.NameServer.addr, ";") }

// broker is the master of one broker group.
type broker struct{ name, addr string }

// brokerData is part of the name server's answers. The master has the number 0.
type brokerData struct {
	BrokerName  string            `json:"brokerName"`
	BrokerAddrs map[string]string `json:"brokerAddrs"`
}

// bareNumber is a member name without quotes, as RocketMQ writes numbers ({0:"127.0.0.1:10911"}).
var bareNumber = regexp.MustCompile(`([{,])(\d+):`)

func decode(body []byte, into any) error {
	return json.Unmarshal(bareNumber.ReplaceAll(body, []byte(`$1"$2":`)), into)
}

// clusterBrokers lists the brokers that the name server knows, by name.
func (r *RocketMQ) clusterBrokers(ctx context.Context) ([]broker, error) {
	response, err := r.call(ctx, r.NameServers()[0], getBrokerClusterInfo, nil, nil)
	if err != nil {
		return nil, err
	}
	var cluster struct {
		Table map[string]brokerData `json:"brokerAddrTable"`
	}
	if err := decode(response.Body, &cluster); err != nil {
		return nil, fmt.Errorf("cluster info: %w", err)
	}
	var brokers []broker
	for _, data := range cluster.Table {
		brokers = append(brokers, broker{data.BrokerName, data.BrokerAddrs["0"]})
	}
	slices.SortFunc(brokers, func(a, b broker) int { return cmp.Compare(a.name, b.name) })
	return brokers, nil
}

// queue is one queue of a topic, at its broker.
type queue struct {
	broker broker
	id     int
}

// queues lists a topic's queues by broker name and number; none when the name server does not know the topic.
func (r *RocketMQ) queues(ctx context.Context, topic string) ([]queue, error) {
	response, err := r.call(ctx, r.NameServers()[0], getRouteInfo, map[string]string{"topic": topic}, nil)
	if isCode(err, topicNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var route struct {
		Brokers []brokerData `json:"brokerDatas"`
		Queues  []struct {
			BrokerName     string `json:"brokerName"`
			ReadQueueNums  int    `json:"readQueueNums"`
			WriteQueueNums int    `json:"writeQueueNums"`
		} `json:"queueDatas"`
	}
	if err := decode(response.Body, &route); err != nil {
		return nil, fmt.Errorf("route of topic %s: %w", topic, err)
	}
	addrs := make(map[string]string)
	for _, data := range route.Brokers {
		addrs[data.BrokerName] = data.BrokerAddrs["0"]
	}
	var queues []queue
	for _, data := range route.Queues {
		for id := range max(data.ReadQueueNums, data.WriteQueueNums) {
			queues = append(queues, queue{broker{data.BrokerName, addrs[data.BrokerName]}, id})
		}
	}
	slices.SortStableFunc(queues, func(a, b queue) int { return cmp.Compare(a.broker.name, b.broker.name) })
	return queues, nil
}

// registerBroker makes the broker register at its name server now: it does so after each change of its configuration.
func (r *RocketMQ) registerBroker(ctx context.Context) error {
	_, err := r.call(ctx, r.Broker.addr, updateBrokerConfig, nil, []byte("brokerPermission=6\n"))
	return err
}

func (r *RocketMQ) brokerRegistered(ctx context.Context) error {
	brokers, err := r.clusterBrokers(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(brokers, func(b broker) bool { return b.addr == r.Broker.addr }) {
		return errors.New("the name server does not know the broker")
	}
	return nil
}
