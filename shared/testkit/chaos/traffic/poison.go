package traffic

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gateway-billing.internal/shared/testkit/chaos/truth"
)

var startTime = regexp.MustCompile(`"start_time":[0-9.e+]+`)

// poison makes a body that can't become records, or not all of it, out of one that could, and tells the book.
func (w *Wire) poison(good []byte) []byte {
	w.made++
	token := fmt.Sprintf("%d of %s", w.made, w.topic)
	parts := entries(good)
	victim := w.pick(len(parts))
	entry := parts[victim]
	body, index, reason := []byte("garbage "+token), -1, "not_json"
	switch w.pick(7) {
	case 0: // as it stands
	case 1:
		body = slices.Clone(good[:len(good)/2+w.pick(len(good)/2-1)])
	case 2:
		body, reason = []byte("["+strings.Repeat(" ", int(w.made))+"]"), "empty"
	case 3:
		body, reason = fmt.Appendf(nil, "%q", token), "not_an_entry"
	case 4:
		parts = withoutTwins(parts)
		index, reason = w.pick(len(parts)+1), "not_an_entry"
		body = array(slices.Insert(parts, index, fmt.Appendf(nil, "%q", token)))
	case 5, 6:
		if !startTime.Match(entry) || bytes.Count(entry, []byte(`"start_time"`)) != 1 {
			break // a format of one's own: garbage instead
		}
		bad := startTime.ReplaceAll(entry, fmt.Appendf(nil, `"start_time":%d`, 253370764800000+w.made)) // the year 9999
		parts = withoutTwins(slices.DeleteFunc(parts, func(part []byte) bool { return serialIn(part) == serialIn(entry) }))
		index, reason = w.pick(len(parts)+1), "bad_value:start_time"
		body = array(slices.Insert(parts, index, bad))
	}
	w.book.Poison(truth.PoisonID{Body: sha256.Sum256(body), Entry: index}, reason)
	return body
}
