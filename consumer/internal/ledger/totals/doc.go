// Package totals owns the sums of usage: how they are read for any time, time zone and grouping, held against the records
// that they are sums of, and mended.
//
// Each transaction of the ledger appends its sums to usage_delta; a fold moves them to usage_hourly and usage_rollup, which
// hold them by several levels. A sum is what is folded of one level plus what is not folded yet, read in one snapshot, so
// that no fold shows. The grain is a quarter of an hour: every offset of a time zone since 1972 is a multiple of it. The
// ledger could cut an hour finer, but no longer where it was pruned. Dimensions (the stamps' own) are in no sum, for anybody
// may name many: queries by them read the records.
//
// Rows are grouped here and not by the database, which takes no less time to group a row than to send it; levels are what
// keeps their number small.
package totals
