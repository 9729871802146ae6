package extplugin

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/api7/ext-plugin-proto/go/A6"
	"github.com/api7/ext-plugin-proto/go/A6/ExtraInfo"
	"github.com/api7/ext-plugin-proto/go/A6/HTTPReqCall"
	"github.com/api7/ext-plugin-proto/go/A6/PrepareConf"
	flatbuffers "github.com/google/flatbuffers/go"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

func encodePrepareConf(key string, conf Conf) []byte {
	b := flatbuffers.NewBuilder(256)
	entries := make([]flatbuffers.UOffsetT, len(conf))
	for i, c := range conf {
		entries[i] = textEntry(b, c.Name, &c.Value)
	}
	PrepareConf.ReqStartConfVector(b, len(entries))
	vector := endVector(b, entries)
	keyOffset := b.CreateString(key)
	PrepareConf.ReqStart(b)
	PrepareConf.ReqAddKey(b, keyOffset)
	PrepareConf.ReqAddConf(b, vector)
	b.Finish(PrepareConf.ReqEnd(b))
	return b.FinishedBytes()
}

// encodeCall describes the request as APISIX does: names of headers in lower case, at most nginx.LuaLimit header lines,
// all arguments.
func encodeCall(id, token uint32, x *nginx.Exchange) []byte {
	b := flatbuffers.NewBuilder(1024)
	path := b.CreateString(x.Path())
	addr, _ := netip.ParseAddr(x.RemoteAddr)
	source := b.CreateByteVector(addr.AsSlice())

	var args []flatbuffers.UOffsetT
	for _, arg := range nginx.ParseArgs(x.Query(), 0) {
		value := &arg.Value
		if arg.Bare {
			value = nil
		}
		args = append(args, textEntry(b, arg.Name, value))
	}
	HTTPReqCall.ReqStartArgsVector(b, len(args))
	argVector := endVector(b, args)

	var headers []flatbuffers.UOffsetT
	for _, f := range x.Header.Shown() {
		headers = append(headers, textEntry(b, strings.ToLower(f.Name), &f.Value))
	}
	HTTPReqCall.ReqStartHeadersVector(b, len(headers))
	headerVector := endVector(b, headers)

	HTTPReqCall.ReqStart(b)
	HTTPReqCall.ReqAddId(b, id)
	HTTPReqCall.ReqAddConfToken(b, token)
	HTTPReqCall.ReqAddSrcIp(b, source)
	HTTPReqCall.ReqAddPath(b, path)
	HTTPReqCall.ReqAddArgs(b, argVector)
	HTTPReqCall.ReqAddHeaders(b, headerVector)
	HTTPReqCall.ReqAddMethod(b, A6.EnumValuesMethod[x.Method])
	b.Finish(HTTPReqCall.ReqEnd(b))
	return b.FinishedBytes()
}

// encodeVar answers a question for a variable; without a value the result is left out.
func encodeVar(value string, found bool) []byte {
	b := flatbuffers.NewBuilder(64)
	var result flatbuffers.UOffsetT
	if found {
		result = b.CreateByteVector([]byte(value))
	}
	ExtraInfo.RespStart(b)
	if found {
		ExtraInfo.RespAddResult(b, result)
	}
	b.Finish(ExtraInfo.RespEnd(b))
	return b.FinishedBytes()
}

func textEntry(b *flatbuffers.Builder, name string, value *string) flatbuffers.UOffsetT {
	nameOffset := b.CreateString(name)
	var valueOffset flatbuffers.UOffsetT
	if value != nil {
		valueOffset = b.CreateString(*value)
	}
	A6.TextEntryStart(b)
	A6.TextEntryAddName(b, nameOffset)
	if value != nil {
		A6.TextEntryAddValue(b, valueOffset)
	}
	return A6.TextEntryEnd(b)
}

func endVector(b *flatbuffers.Builder, items []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	for _, item := range slices.Backward(items) {
		b.PrependUOffsetT(item)
	}
	return b.EndVector(len(items))
}
