// Package jsonscan reads JSON in place: it checks a document once, cuts it into its values without copying any, and turns
// the few texts that are wanted into strings. What it accepts and what it makes of a text is what encoding/json does,
// invalid UTF-8 and broken surrogates included (each such byte or half is U+FFFD), several times faster. Its fuzz tests
// hold it to that.
//
// Everything but Valid trusts its input: it is a value of a document that Valid accepted. Of other bytes the results mean
// nothing, but nothing panics.
package jsonscan
