package extplugin

import (
	"errors"
	"fmt"

	"github.com/api7/ext-plugin-proto/go/A6"
	"github.com/api7/ext-plugin-proto/go/A6/Err"
	"github.com/api7/ext-plugin-proto/go/A6/ExtraInfo"
	"github.com/api7/ext-plugin-proto/go/A6/HTTPReqCall"
	"github.com/api7/ext-plugin-proto/go/A6/PrepareConf"
	flatbuffers "github.com/google/flatbuffers/go"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

var errTokenNotFound = errors.New("runner: conf token not found")

func decodeError(payload []byte) error {
	code := Err.GetRootAsResp(payload, 0).Code()
	if code == Err.CodeCONF_TOKEN_NOT_FOUND {
		return errTokenNotFound
	}
	return fmt.Errorf("runner: answered error %s", code)
}

func decodeToken(payload []byte) uint32 { return PrepareConf.GetRootAsResp(payload, 0).ConfToken() }

// decodeQuestion is the name of the variable that the runner asks for.
func decodeQuestion(payload []byte) (string, error) {
	req := ExtraInfo.GetRootAsReq(payload, 0)
	var table flatbuffers.Table
	if req.InfoType() != ExtraInfo.InfoVar || !req.Info(&table) {
		return "", fmt.Errorf("runner: asks for %s, only variables are answered", req.InfoType())
	}
	var question ExtraInfo.Var
	question.Init(table.Bytes, table.Pos)
	return string(question.Name()), nil
}

func decodeAction(payload []byte) Action {
	resp := HTTPReqCall.GetRootAsResp(payload, 0)
	var table flatbuffers.Table
	if !resp.Action(&table) {
		return Action{}
	}
	switch resp.ActionType() {
	case HTTPReqCall.ActionNONE:
	case HTTPReqCall.ActionStop:
		var stop HTTPReqCall.Stop
		stop.Init(table.Bytes, table.Pos)
		return Action{Stop: &Stop{
			Status: int(stop.Status()),
			Header: fields(stop.HeadersLength(), stop.Headers),
			Body:   stop.BodyBytes(),
		}}
	case HTTPReqCall.ActionRewrite:
		var rewrite HTTPReqCall.Rewrite
		rewrite.Init(table.Bytes, table.Pos)
		var changes []Change
		for i := range rewrite.HeadersLength() {
			var entry A6.TextEntry
			if rewrite.Headers(&entry, i) {
				value := entry.Value()
				changes = append(changes, Change{string(entry.Name()), string(value), value == nil})
			}
		}
		return Action{Request: changes, Answer: fields(rewrite.RespHeadersLength(), rewrite.RespHeaders)}
	}
	return Action{}
}

func fields(n int, at func(*A6.TextEntry, int) bool) nginx.Header {
	var h nginx.Header
	for i := range n {
		var entry A6.TextEntry
		if at(&entry, i) {
			h.Add(string(entry.Name()), string(entry.Value()))
		}
	}
	return h
}
