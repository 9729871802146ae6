// Package meter owns the meters of a route: what may be counted beside tokens, and how such a count is read out of a log
// entry. A count is an exact decimal or it is not known; nothing is guessed.
//
// A meter counts in a unit. Four units are built in and take no source:
//
//	request         one for each record. The ledger counts that for every record, so it is no quantity of the record: to
//	                name it says that the route is metered by requests, and needs no other count to be exact.
//	tokens          what package usage finds; it stands in the columns of its own.
//	request_bytes   the size of the request on the wire, as the gateway counted it
//	response_bytes  the size of the response on the wire
//
// Any other unit names the place of its number: a path in the JSON of the response or of the request (see Path), or a
// response header. The number may be written as text; it must not be negative, nor have more than 18 digits before the
// point. It is kept with at most 9 behind it, as the ledger's sums are: longer ones are rounded to that, and say so.
//
// A count is not known where the entry does not hold its place, holds it more than once (a repeated header), or holds
// something else than such a number there; and where a body is not whole JSON, since the logger cuts bodies silently and
// a member that was seen may come again behind the cut. A stream of events is no JSON.
package meter
