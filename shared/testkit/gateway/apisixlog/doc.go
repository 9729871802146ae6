// Package apisixlog owns the log entries of APISIX 3.18: it makes an entry from an exchange, member by member as
// APISIX's log-util does, and encodes it as APISIX's JSON library does. Both are held against entries of a real gateway
// (shared/logentry/testdata/apisix-3.18).
package apisixlog
