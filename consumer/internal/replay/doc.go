// Package replay owns the second way into the ledger: messages that were read before, from a stretch of the topic
// (package topicrange) or from a file (package bodyfile), go through the flow of run again. What is recorded already is a
// duplicate, so a replay may be repeated, stopped anywhere, and run beside the live consumer.
//
// Messages are read in one order and recorded many at once, so that the ledger's group commit has company. The position
// that is kept is the one behind the last message before which all are committed:
//
//  1. read a message, derive its unit, commit it      died: the position stands before it, it comes again
//  2. all before it are committed too: the position   died before the state is written: some come again, as duplicates
//     moves behind it
//  3. write the state: a new file over the old one    died: the old state or the new one
package replay
