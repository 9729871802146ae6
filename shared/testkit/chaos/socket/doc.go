// Package socket owns what a storm does to the runner's socket: calls that come in pieces, slowly, or are cut off, peers that
// send what is no frame or never read, and signals that end the process or hold it.
package socket
