// Package usagereport owns how sums of usage are asked for and shown in a terminal or a file: times as people name them, and
// the forms table, CSV, NDJSON and Parquet, all of the same figures.
package usagereport
