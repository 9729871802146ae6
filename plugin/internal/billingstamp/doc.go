// Package billingstamp owns the plugin billing-keys: for each request that passes the gateway it learns who asks, strips
// the billing headers that the client sent, and sets its own, the stamp among them. It is made for APISIX's
// ext-plugin-post-req, which runs after authentication.
//
// Its first duty is that no client's billing header passes; its second that a request is never held up or refused on
// account of billing. So whatever goes wrong (a bad configuration, a variable that can't be asked for, a panic) is
// logged, and the request goes on, stripped.
package billingstamp
