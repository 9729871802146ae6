// Package remoting owns a minimal client of RocketMQ's remoting protocol: the few read-only questions that the push
// client can't answer. Which queues does a topic have, how far does each reach, what did the group commit, does the broker
// let these credentials pull, and which messages does a queue hold from an offset or a time on? It asks without starting anything: one connection, one question at a time, nothing
// left behind (a failed start of the push client leaves goroutines for good).
//
// Frame: 4 bytes length of the rest, 1 byte serialisation (0 = JSON), 3 bytes header length, header, body.
// The tests' servers are driven by another small client (shared/testkit/stack/internal/remoting). They are two on
// purpose: by the import rules neither side may use the other's, and what checks a program is worth less when it shares
// code with it.
//
// Works with brokers and name servers 4.9 and later.
package remoting
