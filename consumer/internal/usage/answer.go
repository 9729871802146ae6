package usage

import (
	"strings"

	"gateway-billing.internal/shared/jsonscan"
)

// answer is what the frames of one answer told so far.
type answer struct {
	fields fields
	// raws are the usage objects whose fields stand: the last, and those before it that it does not repeat.
	raws []string
	// found: there was a usage object with counts in it, or another place that holds counts.
	found bool
	// streaming: the answer came in frames.
	streaming bool
	// ended: a document that closes, or a stream with its own end: [DONE], the terminal event, usage with a finish reason
	// or alone. A finish reason without usage is no end: where every frame tells the usage so far, the last word on it is
	// still to come.
	ended bool
	// terminal: a frame said that it was the last that counts.
	terminal bool
	// cut: the answer stops inside a document.
	cut bool
	// broken: the provider gave up in the middle, with an error behind the status 200.
	broken bool
	// several: more than one choice is asked for, each with a finish reason of its own.
	several bool
	// fromModel: it has the form of a model's answer, with counts or without.
	fromModel bool
	// images are those of an answer that counts nothing but them.
	images int64

	model, id, tier string
}

// frame is the members of one frame that matter.
type frame struct {
	kind, event, object, role              string
	usage, metadata, meta, groq            string // usage, usageMetadata, meta, x_groq
	response, message, delta, choices      string
	candidates, output, done, data         string
	promptEval, eval, embeddings, errorObj string
	model, id, tier                        string
}

// read reads a frame's members. end and whole are those of its object.
func (f *frame) read(s string) (end int, whole bool) {
	return members(s, func(name, value string) {
		switch name {
		case "type":
			f.kind = text(value)
		case "event_type":
			f.event = text(value)
		case "object":
			f.object = text(value)
		case "role":
			f.role = text(value)
		case "usage":
			f.usage = value
		case "usageMetadata":
			f.metadata = value
		case "meta":
			f.meta = value
		case "x_groq":
			f.groq = value
		case "response":
			f.response = value
		case "message":
			f.message = value
		case "delta":
			f.delta = value
		case "choices":
			f.choices = value
		case "candidates":
			f.candidates = value
		case "output":
			f.output = value
		case "done":
			f.done = value
		case "data":
			f.data = value
		case "prompt_eval_count":
			f.promptEval = value
		case "eval_count":
			f.eval = value
		case "embeddings":
			f.embeddings = value
		case "error":
			f.errorObj = value
		case "model", "modelVersion":
			f.model = text(value)
		case "id", "responseId", "request_id", "response_id":
			if id := text(value); id != "" {
				f.id = id
			}
		case "service_tier":
			f.tier = text(value)
		}
	})
}

// frame takes in one frame: a document, or a piece of a stream.
func (a *answer) frame(s string, streaming bool) (end int, whole bool) {
	var f frame
	end, whole = f.read(s)
	a.note(&f)
	terminal, piece := a.event(&f)
	if !piece {
		terminal = a.general(&f)
	}
	inStream := a.streaming || streaming || piece || strings.HasSuffix(f.object, ".chunk")
	deltas := !(inStream && a.fromModel) && hasDeltas(f.choices)
	a.fromModel = a.fromModel || piece || deltas || f.fromModel()
	if inStream || deltas {
		a.streaming = a.streaming || piece || !streaming
		a.ended = a.ended || whole && terminal
	} else {
		a.ended = whole
	}
	a.terminal = a.terminal || whole && terminal
	return end, whole
}

// fromModel says whether the frame names itself as what a model generates, as OpenAI and Anthropic do.
func (f *frame) fromModel() bool {
	switch f.object {
	case "chat.completion", "chat.completion.chunk", "text_completion":
		return true
	case "response":
		return f.output != ""
	default:
		return f.kind == "message" && f.role == "assistant"
	}
}

// note keeps the names: of model and ID the first, since a stream's later frames may leave them empty; of the tier the
// last, since the first may be the one that was asked for.
func (a *answer) note(f *frame) {
	if a.model == "" {
		a.model = f.model
	}
	if a.id == "" {
		a.id = f.id
	}
	if f.tier != "" {
		a.tier = f.tier
	}
	if isObject(f.errorObj) {
		a.broken = true
	}
}

// inside takes in an object that stands in a frame and holds its names and usage.
func (a *answer) inside(object string) {
	var f frame
	f.read(object)
	f.errorObj = "" // a failed response says in its last event what it consumed all the same
	a.note(&f)
	a.usage(f.usage)
}

// event reads a frame that says of which type it is: an event of a stream. false where the type says nothing.
//
//	OpenAI Responses     response.created … response.completed, .incomplete, .failed; usage in response
//	Anthropic Messages   message_start (usage in message), message_delta, message_stop
//	Cohere chat v2       message-end (usage in delta)
//	OpenAI images, audio image_generation.completed, image_edit.completed, transcript.text.done, speech.audio.done
func (a *answer) event(f *frame) (terminal, is bool) {
	switch f.kind {
	case "message_start":
		a.inside(f.message)
		// The output counted there is of the first token: not known yet.
		a.fields.forget(outputTokens)
		return false, true
	case "message_delta":
		a.usage(f.usage)
		return member(f.delta, "stop_reason") != "", true
	case "message_stop":
		return true, true
	case "message-end":
		a.usage(raw(f.delta, "usage"))
		return true, true
	case "image_generation.completed", "image_edit.completed", "transcript.text.done", "speech.audio.done":
		a.usage(f.usage)
		return true, true
	case "error":
		a.broken = true
	}
	if strings.HasPrefix(f.kind, "response.") && isObject(f.response) {
		a.inside(f.response)
		return f.kind == "response.completed" || f.kind == "response.incomplete" || f.kind == "response.failed", true
	}
	return false, false
}

// general reads a frame that does not say its type, or a document. terminal: as a frame of a stream it is the last that
// counts.
func (a *answer) general(f *frame) (terminal bool) {
	counted := a.usage(f.usage) || a.usage(f.metadata) || a.billed(f.meta) || a.usage(raw(f.groq, "usage"))
	if f.event == "stream-end" && isObject(f.response) { // Cohere chat v1
		a.inside(f.response)
		return a.billed(raw(f.response, "meta"))
	}
	if f.done == "true" || f.embeddings != "" && f.promptEval != "" { // Ollama
		a.found = a.fields.ollama(f.promptEval, f.eval, f.embeddings != "") || a.found
		if f.done == "true" {
			return true
		}
	}
	if f.data != "" && f.usage == "" && f.choices == "" {
		a.images = countImages(f.data)
	}
	finished, several := finish(f.choices)
	a.several = a.several || several
	switch {
	case !counted:
		return false
	case f.choices != "":
		return f.choices == "[]" || finished && !a.several
	case f.candidates != "":
		finished, several := finish(f.candidates)
		a.several = a.several || several
		return finished && !a.several
	case f.output != "":
		finished, _ := finish(raw(f.output, "choices"))
		return finished || ends(member(f.output, "finish_reason"))
	default:
		return false
	}
}

// usage takes in a usage object; false where it holds no count.
func (a *answer) usage(object string) bool {
	if !isObject(object) {
		return false
	}
	var now fields
	if !now.read(object) {
		return false
	}
	if now.tier != "" {
		a.tier = now.tier
	}
	if now.unset() {
		a.fromModel = true
		if len(a.raws) == 0 {
			a.raws = append(a.raws, object)
		}
		return false
	}
	a.found = true
	if !now.covers(&a.fields) {
		a.raws = append(a.raws, object)
		if len(a.raws) > 2 { // the first and the last say it
			a.raws = append(a.raws[:1], object)
		}
	} else {
		a.raws = append(a.raws[:0], object)
	}
	a.fields.take(&now)
	return true
}

// billed takes in Cohere's meta object, which holds its units beside others' things.
func (a *answer) billed(meta string) bool {
	return raw(meta, "billed_units") != "" && a.usage(meta)
}

// rawUsage is the provider's usage object as it stood; two that only say it together as an array.
func (a *answer) rawUsage() []byte {
	var raw []byte
	switch len(a.raws) {
	case 0:
		return nil
	case 1:
		raw = []byte(a.raws[0])
	default:
		raw = []byte("[" + strings.Join(a.raws, ",") + "]")
	}
	if !jsonscan.Valid(raw) {
		return nil
	}
	return raw
}

// finish says whether one of the choices (or candidates) has its finish reason, and whether there are several.
func finish(choices string) (finished, several bool) {
	n := 0
	elements(choices, func(choice string, complete bool) {
		n++
		members(choice, func(name, value string) {
			switch name {
			case "finish_reason", "finishReason":
				finished = finished || complete && ends(text(value))
			case "index":
				several = several || value != "0"
			}
		})
	})
	return finished, several || n > 1
}

// ends says whether a finish reason is one: DashScope writes "null" while it goes on.
func ends(reason string) bool { return reason != "" && reason != "null" }

// hasDeltas says whether choices are those of a chunk.
func hasDeltas(choices string) (has bool) {
	elements(choices, func(choice string, _ bool) {
		has = has || raw(choice, "delta") != ""
	})
	return has
}

// raw is the value of an object's member, "" without one.
func raw(object, want string) (found string) {
	members(object, func(name, value string) {
		if name == want {
			found = value
		}
	})
	return found
}

// member is a text of an object, "" without one.
func member(object, want string) string { return text(raw(object, want)) }
