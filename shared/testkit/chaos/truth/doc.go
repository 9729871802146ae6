// Package truth owns the book of a chaos run: what each client really did, written down before the gateway encodes
// anything, and what was sent beside it that can't become a record. The check holds the tables against it, and nothing
// else.
package truth
