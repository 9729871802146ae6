package logentry

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
)

// stampHeader is X-Billing-Stamp as APISIX writes header names (package billingkey owns the name; a test keeps them
// the same).
const stampHeader = "x-billing-stamp"

// What a FieldError says.
const (
	notText    = "not a string"
	notInteger = "not a whole number"
)

// Decode reads one entry, a part that Split gave. The error is ErrNotObject, or a *FieldError for a member that only the
// gateway writes and that identifies or dates the request; beside a FieldError stands what else could be read. Whatever a
// client or an upstream may choose never fails: it is left out and named in Doubts.
func Decode(raw json.RawMessage) (*Entry, error) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, ErrNotObject
	}
	buf := pool.Get().(*buffers)
	defer buf.release()
	buf.top = readObject(buf.top[:0], raw)
	o := buf.top
	request, isRequest := o.object(&buf.request, "request")
	response, isResponse := o.object(&buf.response, "response")
	e := &Entry{}
	r := &reader{o: o}
	e.Billing = readBilling(r)
	e.RouteID = must(r, asID, notText, "", "route_id")
	e.ServiceID = get(r, asID, "", "service_id")
	if llm, ok := o.first("llm_summary"); ok && llm[0] == '{' {
		e.LLMSummary = llm
	}
	e.StartMS = must(r, asInt, notInteger, "", "start_time")
	if isRequest && isResponse {
		e.Format = Default
		readDefault(r, e, request, response)
	} else {
		e.Format = Custom
		readCustom(r, e)
	}
	if r.err != nil {
		return e, r.err
	}
	slices.Sort(r.doubts)
	e.Doubts = r.doubts
	return e, nil
}

// readBilling reads the billing object; what is not an object or not text in it is left out.
func readBilling(r *reader) *Billing {
	raw, ok := r.o.first("billing")
	if !ok {
		return nil
	}
	o, ok := asObject(raw)
	if !ok {
		r.doubt("billing")
		return nil
	}
	b := &Billing{}
	if id, ok := o.first("request_id"); ok {
		if b.RequestID, ok = asText(id); !ok {
			r.doubt("billing.request_id")
		}
	}
	if stamp, ok := o.first("stamp"); ok {
		values, ok := asTexts(stamp)
		if !ok {
			r.doubt("billing.stamp")
		}
		b.Stamps = splitStamps(values)
	}
	return b
}

func readDefault(r *reader, e *Entry, request, response object) {
	top := r.o
	e.LatencyMS = get(r, asFloat, "", "latency")
	e.ClientIP = get(r, asText, "", "client_ip")
	if e.RouteID == nil {
		// An unmatched request: known to have none. The gateway writes its Host as service, which is any text that a client likes.
		e.RouteID, e.ServiceID = new(string), nil
	}
	if e.ServiceID == nil {
		e.ServiceID = new(string)
	}
	e.Consumer = readConsumer(r, "consumer")
	if e.Consumer == nil {
		e.Consumer = new(string) // anonymous
	}

	r.o = request
	e.Method = get(r, asText, "request.", "method")
	e.URI = get(r, asText, "request.", "uri")
	e.RequestSize = get(r, asInt, "request.", "size")
	e.RequestBody = get(r, asText, "request.", "body")
	e.RequestHeaders = readSide(r, "request.")
	e.HeaderStamps = splitStamps(e.RequestHeaders.Get(stampHeader))
	if host := e.RequestHeaders.Get("host"); len(host) > 0 {
		e.Host = &host[0]
	}

	r.o = response
	e.Status = toStatus(r, must(r, asInt, notInteger, "response.", "status"), "response.status")
	e.ResponseSize = get(r, asInt, "response.", "size")
	e.ResponseBody = get(r, asText, "response.", "body")
	e.ResponseHeaders = readSide(r, "response.")
	r.o = top
}

// readSide finds the headers of a request or answer.
func readSide(r *reader, prefix string) Headers {
	raw, ok := r.o.first("headers")
	if !ok {
		return Headers{}
	}
	if raw[0] != '{' {
		r.doubt(prefix + "headers")
		return Headers{}
	}
	return Headers{raw: raw}
}

func readCustom(r *reader, e *Entry) {
	if e.Billing == nil {
		id := get(r, asText, "", "billing_request_id")
		stamps := get(r, asTexts, "", "billing_stamp")
		if id != nil || stamps != nil {
			e.Billing = &Billing{}
			if id != nil {
				e.Billing.RequestID = *id
			}
			if stamps != nil {
				e.Billing.Stamps = splitStamps(*stamps)
			}
		}
	}
	requestTime := get(r, asFloat, "", "request_time")
	if e.StartMS == nil {
		if msec := must(r, asFloat, "not a number of seconds", "", "msec"); msec != nil && requestTime != nil {
			// Both have ms precision; rounding each first keeps the difference exact.
			start := math.Round(*msec*1000) - math.Round(*requestTime*1000)
			if math.Abs(start) > 1<<53 {
				r.fail("msec", "out of range")
			} else {
				ms := int64(start)
				e.StartMS = &ms
			}
		}
	}
	e.LatencyMS = get(r, asFloat, "", "latency")
	if e.LatencyMS == nil && requestTime != nil {
		ms := math.Round(*requestTime * 1000)
		e.LatencyMS = &ms
	}
	e.Consumer = readConsumer(r, "consumer", "consumer_name")
	e.ClientIP = get(r, asText, "", "client_ip", "remote_addr")
	e.Method = get(r, asText, "", "method", "request_method")
	e.URI = get(r, asText, "", "uri", "request_uri")
	e.Host = get(r, asText, "", "host", "http_host")
	e.Status = toStatus(r, must(r, asInt, notInteger, "", "status"), "status")
	e.RequestSize = get(r, asInt, "", "request_size", "request_length")
	e.ResponseSize = get(r, asInt, "", "response_size", "bytes_sent")
	e.RequestBody = get(r, asText, "", "request_body")
	e.ResponseBody = get(r, asText, "", "response_body", "resp_body")
}

// readConsumer reads {"username": name}, or the name alone.
func readConsumer(r *reader, names ...string) *string {
	raw, ok := r.o.first(names...)
	if !ok {
		return nil
	}
	if name, ok := asText(raw); ok {
		return &name
	}
	o, ok := asObject(raw)
	if !ok {
		r.fail(names[0], "neither a string nor an object")
		return nil
	}
	username, ok := o.first("username")
	if !ok {
		return nil
	}
	name, ok := asText(username)
	if !ok {
		r.fail(strings.Join([]string{names[0], "username"}, "."), notText)
		return nil
	}
	return &name
}

// toStatus checks an HTTP status. 0 stands for an answer that was never begun.
func toStatus(r *reader, n *int64, field string) *int {
	if n == nil {
		return nil
	}
	if *n < 0 || *n > 999 {
		r.fail(field, "not an HTTP status")
		return nil
	}
	status := int(*n)
	return &status
}
