package inside

import (
	"math/rand/v2"

	reqcall "github.com/api7/ext-plugin-proto/go/A6/HTTPReqCall"
	respcall "github.com/api7/ext-plugin-proto/go/A6/HTTPRespCall"
	prepareconf "github.com/api7/ext-plugin-proto/go/A6/PrepareConf"
)

// The library numbers configurations from 1 in each process, and the gateway keeps these numbers. It drops them when a runner
// that it started itself ends; of one that runs on its own it does not know. A number of the run before would then be a
// number of this run, and another route's configuration: a request would carry an idempotency key that its route never asked
// for. So each process tells the gateway numbers from a place of its own, and one that is not from there is unknown, for
// which the gateway sends the configuration anew.
var firstToken = 1<<30 + rand.Uint32N(1<<31) //nolint:gosec // a token is no secret, only its own process's

// tellToken puts the gateway's number into the answer to a configuration.
func tellToken(answer []byte) {
	resp := prepareconf.GetRootAsResp(answer, 0)
	resp.MutateConfToken(resp.ConfToken() + firstToken)
}

// takeToken puts the library's number into a call. Where the gateway's is of another process, it becomes one that the library
// has not given.
func takeToken(kind byte, payload []byte) {
	switch kind {
	case RequestCall:
		req := reqcall.GetRootAsReq(payload, 0)
		req.MutateConfToken(req.ConfToken() - firstToken)
	case AnswerCall:
		req := respcall.GetRootAsReq(payload, 0)
		req.MutateConfToken(req.ConfToken() - firstToken)
	}
}
