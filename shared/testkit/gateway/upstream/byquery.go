package upstream

import (
	"strconv"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// ByQuery is an upstream that the request's query tells what to answer: `prompt`, `completion`, `cached` and `reasoning`
// are token counts, `stream=N` makes it a stream of N chunks, `status=502` makes it refuse, another status makes it
// answer an error without tokens. So whoever writes the request knows what has to be billed.
func ByQuery(call Call) Answer {
	args := map[string]int64{}
	x := nginx.Exchange{URI: call.URI}
	for _, arg := range nginx.ParseArgs(x.Query(), 0) {
		args[arg.Name], _ = strconv.ParseInt(arg.Value, 10, 64)
	}
	usage := Usage{Prompt: args["prompt"], Completion: args["completion"], Cached: args["cached"], Reasoning: args["reasoning"]}
	switch status := int(args["status"]); {
	case status == 502:
		return Answer{Failure: Refused}
	case status != 0:
		failed := Text(`{"error":{"message":"made to fail"}}`)
		failed.Status = status
		failed.Header.Set("Content-Type", "application/json")
		return failed
	case args["stream"] > 0:
		return Stream(usage, int(args["stream"]))
	}
	return Chat(usage)
}
