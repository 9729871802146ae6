// Package bodyfile reads message bodies from a file or from standard input, one a line (NDJSON: each line is what one
// RocketMQ message would hold, an object or an array), plain or compressed with gzip or zstd, which its first bytes show.
//
// Memory is bounded: of a line that is longer than MaxLine only the beginning is kept, with the length and SHA-256 of the
// whole; it becomes a dead letter. Blank lines hold no message; they are counted. A file that breaks off within its
// compressed data is an error behind its last whole line.
//
// A position is a line with all that stands before it: its bytes (uncompressed) and their SHA-256. Going on from there
// reads the beginning again and refuses a file in which it is another; what was added behind it is read. The last line, if
// nothing ends it, is read but not passed: it may grow.
package bodyfile
