// Package pipeline owns the way of one message: body → entries → usage records and rejects → commit → verdict. It is
// the one code path of run, inspect and every later way in. What it makes of a body is a pure function of the body, the
// key set and the configuration; it neither reads nor writes anything but through the Committer that it is given.
package pipeline
