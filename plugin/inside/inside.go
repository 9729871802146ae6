// Package inside opens what github.com/apache/apisix-go-plugin-runner keeps in its internal packages: what it does with one
// frame of the gateway. Its module has a path below the library's for the one reason that Go lets nobody else import them. It is never published: a replace directive finds it in this checkout.
//
// The library's own entry, runner.Run, reads a frame with one Read. From 36 KiB on the kernel hands a frame over in pieces,
// and the request that it described (a long URI, many headers: a client's to choose) then passes the gateway unstamped, or
// gets a 503. Nothing that can be put before the library's socket cures that: it is a stream, and the library is woken by the
// first piece. So the program has a server of its own, and leaves to the library what the frames mean: its cache of
// configurations, its requests with all their changes, its plugins.
package inside

import (
	"errors"
	"net"
	"time"

	"github.com/ReneKroon/ttlcache/v2"
	extrainfo "github.com/api7/ext-plugin-proto/go/A6/ExtraInfo"
	prepareconf "github.com/api7/ext-plugin-proto/go/A6/PrepareConf"
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/apache/apisix-go-plugin-runner/internal/plugin"
	"github.com/apache/apisix-go-plugin-runner/internal/server"
	"github.com/apache/apisix-go-plugin-runner/internal/util"
)

// The kinds of a frame.
const (
	Error       byte = util.RPCError
	PrepareConf byte = util.RPCPrepareConf
	RequestCall byte = util.RPCHTTPReqCall
	ExtraInfo   byte = util.RPCExtraInfo
	AnswerCall  byte = util.RPCHTTPRespCall
)

// MaxPayload is the most bytes that the length of a frame can tell: three bytes of it.
const MaxPayload = 1<<24 - 1

// KeepConf empties the cache of configurations and sets how long one is kept unused. It must be called before Handle.
func KeepConf(ttl time.Duration) { plugin.InitConfCache(ttl) }

// ErrUnknownConf is the error of a call whose configuration is not in the cache: the gateway then sends it anew.
var ErrUnknownConf error = ttlcache.ErrNotFound

var (
	errTooLarge = errors.New("the answer does not fit into a frame")
	errKind     = errors.New("a frame of a kind that no gateway sends")
)

// Answer is what goes back to the gateway.
type Answer struct {
	// Kind is that of the frame that is answered, or Error.
	Kind byte
	// Err is why Kind is Error.
	Err     error
	builder *flatbuffers.Builder
}

// Payload is the answer's bytes, until Release.
func (a Answer) Payload() []byte { return a.builder.FinishedBytes() }

// Release gives the answer's memory back.
func (a Answer) Release() { util.PutBuilder(a.builder) }

// Handle does what the library does with one frame: it runs the plugins, which may ask the gateway through conn. conn must
// read whole what it is asked for. Nothing keeps payload behind its return. A payload that is no flatbuffer makes it panic.
func Handle(kind byte, payload []byte, conn net.Conn) Answer {
	takeToken(kind, payload)
	builder, err := handle(kind, payload, conn)
	if err == nil && len(builder.FinishedBytes()) > MaxPayload {
		util.PutBuilder(builder)
		err = errTooLarge
	}
	switch {
	case errors.Is(err, errKind):
		return Answer{Error, err, server.ReportError(server.UnknownType{})}
	case err != nil:
		return Answer{Error, err, server.ReportError(err)}
	}
	if kind == PrepareConf {
		// The library keeps a configuration by its key and by its token, each for a time of its own, and PrepareConf alone would
		// keep the key for ever while the token dies: asking for it keeps both.
		_, _ = plugin.GetRuleConf(prepareconf.GetRootAsResp(builder.FinishedBytes(), 0).ConfToken())
		tellToken(builder.FinishedBytes())
	}
	return Answer{kind, nil, builder}
}

func handle(kind byte, payload []byte, conn net.Conn) (*flatbuffers.Builder, error) {
	switch kind {
	case PrepareConf:
		return plugin.PrepareConf(payload)
	case RequestCall:
		return plugin.HTTPReqCall(payload, conn)
	case AnswerCall:
		return plugin.HTTPRespCall(payload, conn)
	default:
		return nil, errKind
	}
}

// Question is the frame, head and payload, by which a request asks the gateway for a variable: byte for byte the library's.
func Question(variable string) []byte {
	builder := util.GetBuilder()
	defer util.PutBuilder(builder)
	name := builder.CreateString(variable)
	extrainfo.VarStart(builder)
	extrainfo.VarAddName(builder, name)
	info := extrainfo.VarEnd(builder)
	extrainfo.ReqStart(builder)
	extrainfo.ReqAddInfoType(builder, extrainfo.InfoVar)
	extrainfo.ReqAddInfo(builder, info)
	builder.Finish(extrainfo.ReqEnd(builder))
	payload := builder.FinishedBytes()
	n := len(payload)
	return append([]byte{ExtraInfo, byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
}
