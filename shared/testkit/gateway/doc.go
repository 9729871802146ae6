// Package gateway owns the stand-in for APISIX that tests, the demo and chaos runs send their requests through. It takes
// a request through the life that APISIX 3.18 gives it (authentication, proxy-rewrite, ext-plugin-post-req with the real
// runner, the upstream, rocketmq-logger) and makes the log entries that APISIX would make. It opens no HTTP port:
// requests come in as values, so that clients can do what no HTTP library lets them.
//
// What it does is measured on a real APISIX unless a comment says "from the source" (read, not measured) or "assumed".
// The parts have packages of their own: nginx (headers, variables, sizes), extplugin (the runner's protocol and process),
// apisixlog (entries), rocketlog (batches and sends), upstream (what stands behind the gateway).
package gateway
