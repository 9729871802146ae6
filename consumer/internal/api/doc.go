// Package api owns the HTTP API: what openapi.yaml describes. It reads from the ledger what others take over, and writes
// nothing but redrives. Who may see what is package apitoken's.
package api
