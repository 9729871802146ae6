package apisixlog

import (
	"strings"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Origin is the entry of meta_format: origin: the request line, the header and, where it is asked for, the body.
func Origin(x *nginx.Exchange, withBody bool) string {
	var text strings.Builder
	text.WriteString(x.Method + " " + x.URI + " HTTP/1.1\r\n")
	for _, f := range x.Header.Shown() {
		text.WriteString(strings.ToLower(f.Name) + ": " + f.Value + "\r\n")
	}
	text.WriteString("\r\n")
	if withBody && x.BodyRead {
		text.Write(x.Body)
	}
	return text.String()
}
