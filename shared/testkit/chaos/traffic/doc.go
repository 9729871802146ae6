// Package traffic owns what a chaos run sends: the requests of honest and hostile clients, the routes that they hit, and
// what happens to messages between the gateway's logger and the broker (resent, replayed, cut, mixed, poisoned). It
// writes the truth of all of it into the book before it sends.
package traffic
