// Package logentry owns the shape of what APISIX's rocketmq-logger puts into a message: it splits a message body into
// log entries and reads each into an Entry, without judging it. It knows the default entry of APISIX 2.x and 3.x and
// entries made by a custom log_format, and it imports nothing but the standard library and jsonscan.
//
// # Where the values come from
//
// The default entry is written by APISIX's log-util: request, response, server, upstream, service_id, route_id,
// consumer, client_ip, start_time, latency. A member that APISIX does not know is absent, never null. Header names are
// lower case; a value is a string, or an array of strings where the header was repeated. Bodies are cut silently at the
// logger's limit and may hold bytes that are not valid UTF-8; those are read as U+FFFD.
//
// A log_format replaces the whole entry (APISIX adds route_id and service_id). Its members are read by these names, the
// first of a row that is there:
//
//	billing                            object {request_id, stamp}, as in the default entry
//	billing_request_id, billing_stamp  the same two as flat strings ($request_id, $http_x_billing_stamp)
//	start_time                         ms since 1970
//	msec and request_time              $msec and $request_time, seconds; their difference is the start time
//	latency                            ms; else request_time
//	route_id, service_id               strings
//	consumer, consumer_name            $consumer_name; a string or {username}
//	client_ip, remote_addr             $remote_addr
//	method, request_method             $request_method
//	uri, request_uri                   $request_uri
//	host, http_host                    $host
//	status                             $status
//	request_size, request_length       bytes
//	response_size, bytes_sent          bytes
//	request_body                       $request_body
//	response_body, resp_body           $resp_body
//	llm_summary                        the object of the default entry
//
// Numbers may stand as strings, as nginx variables do.
package logentry
