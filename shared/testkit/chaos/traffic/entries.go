package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"gateway-billing.internal/shared/testkit/chaos/truth"
)

// entries cuts a body of the gateway's logger into its entries.
func entries(body []byte) [][]byte {
	if body[0] == '{' {
		return [][]byte{body}
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(body, &parts); err != nil {
		panic(fmt.Sprintf("traffic: the gateway's own batch: %v", err))
	}
	all := make([][]byte, len(parts))
	for i, part := range parts {
		all[i] = part
	}
	return all
}

// array is the other way round.
func array(parts [][]byte) []byte {
	return slices.Concat([]byte{'['}, bytes.Join(parts, []byte{','}), []byte{']'})
}

var uri = regexp.MustCompile(`"(?:request_)?uri":"([^"]*)"`)

// serialIn is the serial number of an entry's request.
func serialIn(entry []byte) int64 {
	if found := uri.FindSubmatch(entry); found != nil {
		return truth.SerialOf(string(found[1]))
	}
	return 0
}

// withoutTwins leaves one entry of each request: an entry that has no ID at all is told from its twin by its place in
// the message, so two of them in one message would be two requests.
func withoutTwins(parts [][]byte) [][]byte {
	seen := map[int64]bool{}
	return slices.DeleteFunc(slices.Clone(parts), func(entry []byte) bool {
		n := serialIn(entry)
		twin := seen[n]
		seen[n] = true
		return twin
	})
}
