package usage

import (
	"strings"

	"gateway-billing.internal/shared/logentry"
)

// ReadsStored says whether the request is no call of a model, but reads or changes an answer that the provider keeps,
// whatever its method: the answer shows the usage of the call that made it once more.
//
//	…/chat/completions/{id}, …/responses/{id}, …/threads/{id}/runs/{id}, each also with /cancel
//
// A request that names a model, or what to answer, is a call, whatever its path.
func ReadsStored(e *logentry.Entry) bool {
	return isStored(e) && !readRequest(e).asks
}

// isStored says whether the path is one of an answer that the provider keeps.
func isStored(e *logentry.Entry) bool {
	path := strings.TrimSuffix(pathOf(e), "/cancel")
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 || !strings.ContainsAny(path[slash:], "0123456789") {
		return false // an ID has digits, other calls below these paths (…/responses/compact) have none
	}
	above := path[:slash]
	return strings.HasSuffix(above, "/chat/completions") || strings.HasSuffix(above, "/responses") ||
		strings.HasSuffix(above, "/runs") && strings.Contains(above, "/threads/")
}
