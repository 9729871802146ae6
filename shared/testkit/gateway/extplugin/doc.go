// Package extplugin owns the gateway's side of APISIX's external plugins: it starts the runner as APISIX does, speaks
// the ext-plugin protocol to it over its unix socket, answers its questions for variables, and hands back what the
// runner wants changed.
//
// The protocol (api7/ext-plugin-proto): frames of one type byte, three length bytes (big-endian) and a flatbuffer. The
// gateway registers a configuration once (PrepareConf) and gets a token, then sends one HTTPReqCall a request; in between
// the runner may ask for variables (ExtraInfo) on the same connection. A runner that does not know a token is asked
// again with a new one.
package extplugin
