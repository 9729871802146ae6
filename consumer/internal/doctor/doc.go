// Package doctor owns the judgement of an APISIX configuration: in which ways it loses requests before they reach the
// broker, doubles them, or lets them be billed to nobody, and what cures each. It reads a configuration file or an Admin
// API, changes nothing, and knows of APISIX what its documentation says (version 3.18 and before).
//
// A finding has a code that never changes its meaning; Codes lists them.
package doctor
