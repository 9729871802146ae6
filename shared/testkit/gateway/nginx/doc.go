// Package nginx owns the part of nginx's behaviour that billing can see: headers with nginx's rules for names, repeats
// and limits, the exchange of one request and its answer, the variables ($request_id, $http_…, $msec, …) that plugins
// and log formats read, and the byte counts ($request_length, $bytes_sent). It moves no bytes on a network.
package nginx
