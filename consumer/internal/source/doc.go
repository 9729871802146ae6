// Package source owns everything between the RocketMQ client and the rest of the consumer: it reads a topic as a member
// of a group and hands each message to a handler. It acknowledges a message when the handler has recorded it and holds
// it otherwise, in bounded memory, for as long as it takes. It never gives a message back to the broker.
//
// What happens to a message:
//
//	pull ─► park ─► client's buffer ─► consume ─► turn in its queue ─► place (Concurrency) ─► handler ─► ack
//	        │ in the drain               │ holdings counts it                                  │ it ends when the message
//	        └ stops the pull             └ released when the queue went to another member,     └ is recorded, or with
//	                                       or after the shutdown                                 its context
//
// # The traps of the client, and where each is closed
//
// The client is github.com/apache/rocketmq-client-go/v2 v2.1.2, pinned, because much of this rests on its inside.
//
//   - RetryLater can lose the message (the broker's answer to the send-back is not looked at), and a long outage would
//     spend the redeliveries. consume never returns it while the queue is the client's.
//     TestHeldMessagesAreNotReconsumed, TestMembersComeAndGoWhileHolding.
//   - An error from the callback is logged with the message while it is written (the process ends), and with Success it
//     acknowledges. consume returns nil errors only. TestVerdicts.
//   - The client's logger prints bodies: logBridge takes its place and looks at listed scalars only.
//     TestClientLinesShowNoMessages.
//   - A panic in the callback leaves the message neither acknowledged nor retried, one in the client's own goroutines
//     ends the process. handle recovers and the message is held; primitive.PanicHandler is set.
//     TestMessageThatTheHandlerFailsOnStays.
//   - Shutdown does not wait for callbacks, and the offsets that it sends are lost at times, because it closes the
//     connection right behind them. session.drain waits, for the brokers' word too.
//     TestRestartsUnderLoadLoseAndRepeatNothing, TestDrainLimit.
//   - Callbacks start in any order, so a drain would leave held messages in front of recorded ones, and those would be
//     read twice. turn keeps the order of each queue. TestQueueKeepsItsOrder.
//   - Shutdown closes a channel that a pull loop may be sending to, in a goroutine that nobody recovers: the process
//     ends. park stops the loops before. (Suspend would only make it rarer, and its flag is a data race.)
//     TestPulledInTheDrain, of park alone: the moment of the client's own fault can't be provoked.
//   - One verdict covers all messages of a callback. There are two only, recorded and held, and what is held stops the
//     offset of its queue in any case: so a callback is a pull, which costs a goroutine and a turn instead of one a message.
//     The price is that recorded messages of a pull with a held one come again after a restart. TestVerdicts.
//   - A client that fails to start is dead and leaves about 20 goroutines. connect asks the servers first (package
//     remoting) and starts a client only when they are there. TestTopicThatComesLater, TestNameServerThatComesLater.
//   - Without credentials, or with wrong ones, Start succeeds and nothing arrives. The survey tries a pull with them,
//     before the start and every StateInterval. TestCredentials.
//   - After ConsumeTimeout the client sends back what is still worked on. It goes by a property of the message, which
//     consume removes, and the limit is 10 years. TestHeldMessagesAreNotReconsumed (with 2 s).
//   - The buffer is up to 512 MiB a queue, and if the callback slots run out the client drops the queue after 120 s,
//     reads it again and throws the verdicts away. planCapacity. TestCapacity, TestHeldMessagesAreNotReconsumed.
//   - One held message stops its queue when the others are ConsumeConcurrentlyMaxSpan ahead: 16 times the buffer.
//     TestClientSettings.
//   - A queue that goes to another member leaves its callbacks blocked: holdings finds and releases them.
//     TestMembersComeAndGoWhileHolding, TestHoldings.
//   - An offset that the broker does not have any more is moved with two log lines: jumpFrom and jumpTo make an event
//     of them. TestOffsetJump.
//   - ConsumeFromWhere defaults to the newest: ours to the oldest. ConsumeTimestamp has no zone: UTC. TestStart.
//   - The client refuses DNS names of name servers: see clientAddrs. TestNameServerThatComesLater.
//   - Two clients of one name on one address are one member: instanceName is random. TestClientSettings.
//   - A broker that goes and comes: the client goes on by itself after 17 to 27 s. TestBrokerRestart.
//
// # What stays
//
//   - Logger and panic handler of the client are variables of the process. Importing this package sets them.
//   - A client that was shut down leaves goroutines: 15 of its statistics (they end within a minute, an hour, a month),
//     one that sleeps ConsumeTimeout, the connection to the name server for 120 s, a pull for 30 s. A process has one
//     client in its life, a second one only when the topic's queues more than doubled. sourcetest.ClientLeaks lists
//     them for tests.
//   - The client has data races of its own, in counters of its flow control and the like: sourcetest.ExemptRaces.
//   - An operator who asks the broker for this client's "consumer status" makes it read a map without its lock, which
//     can end the process. After a restart everything that was not acknowledged comes again.
//   - No TLS: nothing in this client sets it.
package source
