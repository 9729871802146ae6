// Package feed owns the reading side of the ledger's changes. Each transaction that adds or changes records is one change;
// the ledger's sequencer numbers those that are committed. A reader goes by the numbers: a record that changes comes
// again, with a higher revision, behind every place that anybody was at when it changed. Who keeps the last revision of
// each billing key has the ledger.
package feed
