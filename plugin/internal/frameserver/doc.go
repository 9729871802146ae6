// Package frameserver owns the runner's side of the socket: it accepts the gateway's connections, reads each frame whole,
// however it comes, and writes each answer at once. What a frame means is the library's: see package inside.
//
// A connection serves one request at a time, as the gateway uses it. What goes wrong on one (a frame that is cut or no
// frame, a panic) ends that connection, which the gateway takes for an error of the one request on it, and no other.
//
// Memory grows by what came, never by what a length announces. A frame that was begun, and a question to the gateway, must go
// on within the time that the gateway itself would wait; a connection between two frames may be idle for ever.
//
// At its end the server goes on for a short grace, for the gateway may be sending on a connection that looks idle; then it
// closes what is idle and waits for the calls under way, up to a limit. What is cut off then is counted.
package frameserver
