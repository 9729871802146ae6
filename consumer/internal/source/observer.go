package source

// Observer is told what happens, for metrics. Its methods are called from many goroutines and must not block. What is a
// level rather than an event (held messages, lag) is in State.
type Observer interface {
	// MessageReceived: the client handed over a message with a body of so many bytes. Redelivered ones count again.
	MessageReceived(bytes int)
	// MessageAcked: the handler recorded a message and the client was told so.
	MessageAcked()
	// MessageStuck: the handler panicked, or gave up without being asked to. The message is held until a restart.
	MessageStuck()
	// MessageReconsumed: as MessageStuck, but the message was given back to the broker, which has it and will deliver it
	// again or put it into the DLQ.
	MessageReconsumed()
	// MessagesReleased: so many held messages belong to a queue that another member of the group got; it reads them.
	MessagesReleased(n int)
	// OffsetJumped: the broker does not have the messages that the group stands at, and the client went on elsewhere.
	// Forward, the messages from..to-1 expired unread: they are lost to billing.
	OffsetJumped(jump OffsetJump)
	// ConnectFailed: a try to connect failed; it is repeated.
	ConnectFailed()
}

// OffsetJump is a queue whose position moved without reading. From is -1 when it is not known.
type OffsetJump struct {
	Topic  string
	Broker string
	Queue  int
	From   int64
	To     int64
}

// nopObserver is used when New gets none.
type nopObserver struct{}

func (nopObserver) MessageReceived(int)     {}
func (nopObserver) MessageAcked()           {}
func (nopObserver) MessageStuck()           {}
func (nopObserver) MessageReconsumed()      {}
func (nopObserver) MessagesReleased(int)    {}
func (nopObserver) OffsetJumped(OffsetJump) {}
func (nopObserver) ConnectFailed()          {}
