package nginx

import (
	"slices"
	"strings"
)

// LuaLimit is how many header fields (or query arguments) Lua code is shown by default: the ext-plugin runner and the
// default log entry never see what comes after it.
const LuaLimit = 100

// Field is one header line.
type Field struct{ Name, Value string }

// Header is the list of header lines of a request or an answer, in order, repeats included. Names are equal when they
// differ in ASCII case alone; `X_Billing_Stamp` and `X-Billing-Stamp` are two names.
type Header []Field

// Add appends a line, whatever is there already.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Set gives the name this one value: the first line of the name keeps its place, later ones go. An empty value deletes (from the source).
func (h *Header) Set(name, value string) {
	if value == "" {
		h.Del(name)
		return
	}
	i := slices.IndexFunc(*h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
	if i < 0 {
		h.Add(name, value)
		return
	}
	(*h)[i].Value = value
	rest := (*h)[i+1:]
	rest.Del(name)
	*h = (*h)[:i+1+len(rest)]
}

// Del removes all lines of the name.
func (h *Header) Del(name string) {
	*h = slices.DeleteFunc(*h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// Get is the first value of the name, "" when there is none.
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has reports whether a line of the name is there.
func (h Header) Has(name string) bool {
	return slices.ContainsFunc(h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// Clone is an independent copy.
func (h Header) Clone() Header { return slices.Clone(h) }

// Shown is what Lua code is shown: the first LuaLimit lines.
func (h Header) Shown() Header { return h[:min(len(h), LuaLimit)] }

// Variable is the value of `$http_<name>`: all lines whose name equals it after lower-casing and '-' → '_', joined by
// ", ". So it holds the values of `X-Billing-Stamp` and `X_Billing_Stamp` alike, and knows no limit.
func (h Header) Variable(name string) (string, bool) {
	var values []string
	for _, f := range h {
		if strings.ReplaceAll(strings.ToLower(f.Name), "-", "_") == name {
			values = append(values, f.Value)
		}
	}
	return strings.Join(values, ", "), values != nil
}

// size is the bytes that the lines take on the wire.
func (h Header) size() int {
	n := 0
	for _, f := range h {
		n += len(f.Name) + len(": \r\n") + len(f.Value)
	}
	return n
}
