// Package topicrange reads the messages that a topic stored in a stretch of time, as nobody's member: it asks the brokers
// for them with requests of its own (package remoting). RocketMQ's Go client has a pull consumer, but that one joins the
// group with heartbeats, so that queues are taken from the live consumers, and keeps offsets that it commits; none of it
// can be switched off. Here the group's name only gives the permission: nothing is committed, no member comes or goes.
//
// What is read: all readable queues of all brokers of the topic, one after the other, each from the first message stored
// at or after the beginning to the last one stored before the end, as far as the queue reached when the reading began. A
// message belongs to the stretch by its store time alone, exactly; the brokers' search by time only says where to begin,
// with a margin for clocks that were set back.
package topicrange
