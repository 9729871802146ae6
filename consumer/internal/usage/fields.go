package usage

import "strings"

// field is one count of a provider's usage object, by the provider's own name.
type field uint8

// The fields of all shapes. The comment says where else the same count stands, or what it is in one of the shapes.
const (
	promptTokens     field = iota // OpenAI chat and the many servers that answer in its shape; includes the cached ones
	completionTokens              // includes reasoning
	totalTokens
	inputTokens  // OpenAI Responses, images, audio; DashScope (all including cached ones); Anthropic (without them)
	outputTokens // includes reasoning

	cachedTokens     // in prompt_tokens_details or input_tokens_details; DeepSeek: prompt_cache_hit_tokens
	cacheWriteTokens // in the same
	audioInput       // in the same, as audio_tokens; Gemini: the AUDIO part of promptTokensDetails
	reasoningTokens  // in completion_tokens_details or output_tokens_details; Anthropic: thinking_tokens
	audioOutput      // in the same, as audio_tokens

	cacheCreationTokens // Anthropic, beside input_tokens: cache_creation_input_tokens
	cacheReadTokens     // Anthropic, beside input_tokens: cache_read_input_tokens
	cacheWrite1h        // Anthropic: the part of cache_creation with the price of an hour
	webSearches         // Anthropic: in server_tool_use
	webFetches

	promptCount // Gemini: promptTokenCount; includes the cached ones
	cachedCount
	candidatesCount // or responseTokenCount; without thoughts
	thoughtsCount
	toolUseCount
	totalCount

	inputCamel // Bedrock: inputTokens; without cached ones
	outputCamel
	totalCamel
	cacheReadInput
	cacheWriteInput

	promptEval // Ollama
	evalCount

	billedInput // Cohere: in billed_units
	billedOutput
	billedTotal
	billedUnits // that there was such an object
	searchUnits
	billedImages
	classifications

	characters // DashScope: speech
	seconds    // OpenAI transcription, DashScope recognition (duration)
	imageCount // DashScope
	videoCount
	videoSeconds

	numFields
)

// fields holds the texts of the counts; "" is not present.
type fields struct {
	values [numFields]string
	// tier is Anthropic's service_tier, Gemini's serviceTier or trafficType.
	tier string
	any  bool
	// noOutput: the answer is of a kind that generates nothing (embeddings).
	noOutput bool
}

func (f *fields) has(i field) bool { return f.values[i] != "" }

func (f *fields) forget(i field) { f.values[i] = "" }

// set notes a count that is present: neither null nor an object.
func (f *fields) set(i field, value string) {
	if value != "null" && value[0] != '{' && value[0] != '[' {
		f.values[i], f.any = value, true
	}
}

// unset says whether an object counts nothing, not even a prompt: gateways write such zeros where they don't know, when they
// convert an answer that told none or end a stream that broke.
func (f *fields) unset() bool {
	for _, value := range f.values {
		if strings.Trim(value, `"0. `) != "" {
			return false
		}
	}
	return f.has(promptTokens) || f.has(inputTokens) || f.has(promptCount) || f.has(inputCamel) || f.has(totalTokens)
}

// take puts the fields of a later usage object over these: the last present value of each counts. They are neither added
// up (streams repeat them) nor compared (a first guess may be too high).
func (f *fields) take(later *fields) {
	for i, value := range later.values {
		if value != "" {
			f.values[i] = value
		}
	}
	f.any = f.any || later.any
}

// covers says whether these fields leave nothing of earlier ones in force.
func (f *fields) covers(earlier *fields) bool {
	for i, value := range earlier.values {
		if value != "" && f.values[i] == "" {
			return false
		}
	}
	return true
}

// read reads a usage object, as far as it goes; false where it holds none of the fields.
func (f *fields) read(object string) bool {
	members(object, func(name, value string) {
		if i, ok := byName[name]; ok {
			f.set(i, value)
			return
		}
		switch name {
		case "prompt_tokens_details", "input_tokens_details", "prompt_token_details", "input_token_details":
			f.within(value, inputDetails)
		case "completion_tokens_details", "output_tokens_details", "completion_token_details", "output_token_details":
			f.within(value, outputDetails)
		case "cache_creation":
			f.within(value, cacheCreation)
		case "server_tool_use":
			f.within(value, serverTools)
		case "promptTokensDetails":
			f.audioPart(audioInput, value)
		case "candidatesTokensDetails", "responseTokensDetails":
			f.audioPart(audioOutput, value)
		case "billed_units":
			if isObject(value) {
				f.within(value, billed)
				f.set(billedUnits, "1")
			}
		case "models":
			f.oneModel(value)
		case "service_tier", "serviceTier":
			f.tier = text(value)
		case "trafficType":
			if f.tier == "" {
				f.tier = text(value)
			}
		}
	})
	return f.any
}

// byName are the members of the usage objects themselves.
var byName = map[string]field{
	"prompt_tokens": promptTokens, "completion_tokens": completionTokens, "total_tokens": totalTokens,
	"prompt_cache_hit_tokens": cachedTokens,
	"input_tokens":            inputTokens, "output_tokens": outputTokens,
	"cache_creation_input_tokens": cacheCreationTokens, "cache_read_input_tokens": cacheReadTokens,
	"promptTokenCount": promptCount, "cachedContentTokenCount": cachedCount, "candidatesTokenCount": candidatesCount,
	"responseTokenCount": candidatesCount, "thoughtsTokenCount": thoughtsCount, "toolUsePromptTokenCount": toolUseCount,
	"totalTokenCount": totalCount,
	"inputTokens":     inputCamel, "outputTokens": outputCamel, "totalTokens": totalCamel,
	"cacheReadInputTokens": cacheReadInput, "cacheWriteInputTokens": cacheWriteInput,
	"characters": characters, "seconds": seconds, "duration": seconds,
	"image_count": imageCount, "video_count": videoCount, "video_duration": videoSeconds,
}

var (
	inputDetails  = map[string]field{"cached_tokens": cachedTokens, "cache_write_tokens": cacheWriteTokens, "audio_tokens": audioInput}
	outputDetails = map[string]field{"reasoning_tokens": reasoningTokens, "thinking_tokens": reasoningTokens, "audio_tokens": audioOutput}
	cacheCreation = map[string]field{"ephemeral_1h_input_tokens": cacheWrite1h}
	serverTools   = map[string]field{"web_search_requests": webSearches, "web_fetch_requests": webFetches}
	billed        = map[string]field{
		"input_tokens": billedInput, "output_tokens": billedOutput, "total_tokens": billedTotal, "search_units": searchUnits, "images": billedImages,
		"classifications": classifications,
	}
)

func (f *fields) within(object string, names map[string]field) {
	members(object, func(name, value string) {
		if i, ok := names[name]; ok {
			f.set(i, value)
		}
	})
}

// audioPart reads Gemini's list of parts by modality.
func (f *fields) audioPart(i field, list string) {
	elements(list, func(part string, _ bool) {
		if member(part, "modality") == "AUDIO" {
			if n := raw(part, "tokenCount"); n != "" {
				f.set(i, n)
			}
		}
	})
}

// oneModel reads the usage of an application that used one model (DashScope's application mode). Of several nobody says
// how they add up.
func (f *fields) oneModel(list string) {
	n, only := 0, ""
	elements(list, func(one string, _ bool) { n, only = n+1, one })
	if n == 1 {
		f.within(only, byName)
	}
}

// ollama takes in the counts that stand in the answer itself.
func (f *fields) ollama(prompt, eval string, noOutput bool) bool {
	if prompt != "" {
		f.set(promptEval, prompt)
	}
	if eval != "" {
		f.set(evalCount, eval)
	}
	f.noOutput = noOutput
	return f.has(promptEval) || f.has(evalCount)
}

// countImages is how many images the data of an answer holds, 0 where it is of another kind.
func countImages(data string) (n int64) {
	elements(data, func(image string, _ bool) {
		if raw(image, "b64_json") != "" || raw(image, "url") != "" {
			n++
		}
	})
	return n
}
