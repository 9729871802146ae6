package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gateway-billing.internal/consumer/internal/apitoken"
)

// call is one request that may be answered.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	grant *apitoken.Grant
	query url.Values
	// form is the type of the answer, one of the operation's.
	form string
	// wrong collects what is wrong with parameters, so that one answer says all of it.
	wrong []parameterError
}

func (c *call) fail(parameter, format string, args ...any) {
	c.wrong = append(c.wrong, parameterError{parameter, fmt.Sprintf(format, args...)})
}

// invalid is what was wrong with parameters, nil when nothing was.
func (c *call) invalid() error {
	if len(c.wrong) == 0 {
		return nil
	}
	return &problem{Type: "/problems/invalid-parameters", Title: "Invalid parameters", Status: http.StatusBadRequest,
		Detail: c.wrong[0].Parameter + ": " + c.wrong[0].Detail, Errors: c.wrong}
}

// text is a parameter that is given once at most, what stands for it when it is not.
func (c *call) text(name, absent string, longest int) string {
	values, ok := c.query[name]
	if !ok {
		return absent
	}
	if len(values) > 1 {
		c.fail(name, "is given more than once")
		return absent
	}
	c.checkText(name, values[0], longest)
	return values[0]
}

func (c *call) checkText(name, value string, longest int) {
	switch {
	case !utf8.ValidString(value):
		c.fail(name, "is no UTF-8")
	case utf8.RuneCountInString(value) > longest:
		c.fail(name, "is longer than %d characters", longest)
	}
}

// texts is a parameter that may be repeated.
func (c *call) texts(name string, most, longest int) []string {
	values := c.query[name]
	if len(values) > most {
		c.fail(name, "is given more than %d times", most)
	}
	for _, v := range values {
		c.checkText(name, v, longest)
	}
	return values
}

func (c *call) integer(name string, absent, least, most int64) int64 {
	text := c.text(name, strconv.FormatInt(absent, 10), 20)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most || text != strconv.FormatInt(n, 10) {
		c.fail(name, "must be a whole number from %d to %d", least, most)
		return absent
	}
	return n
}

func (c *call) boolean(name string) (value, given bool) {
	text := c.text(name, "", 5)
	if _, given = c.query[name]; given && text != "true" && text != "false" {
		c.fail(name, "must be true or false")
	}
	return text == "true", given
}

func (c *call) time(name string, absent time.Time) time.Time {
	text := c.text(name, "", 40)
	if _, given := c.query[name]; !given {
		return absent
	}
	t, err := time.Parse(time.RFC3339, strings.ToUpper(text))
	if err != nil {
		c.fail(name, "must be a time such as 2026-11-24T08:00:00Z")
		return absent
	}
	return t.UTC()
}

// pathID is the id of a dead letter in the path. One that can't be there is none that is.
func (c *call) pathID() (int64, error) {
	n, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != c.r.PathValue("id") {
		c.fail("id", "must be the id of a dead letter, a whole number from 1 on")
		return 0, c.invalid()
	}
	return n, nil
}

// accepts says which of the types of an answer is asked for, the first where all will do; "" for none of them.
func (c *call) accepts(types ...string) string {
	header := strings.Join(c.r.Header.Values("Accept"), ",")
	if strings.TrimSpace(header) == "" {
		return types[0]
	}
	best, most := "", 0.0
	for _, t := range types {
		if q := quality(header, t); q > most {
			best, most = t, q
		}
	}
	return best
}

// quality is how much a header Accept wants a type, by its most specific range for it (RFC 9110, 12.5.1).
func quality(header, mediaType string) float64 {
	q, specific := 0.0, 0
	for part := range strings.SplitSeq(header, ",") {
		fields := strings.Split(part, ";")
		name := strings.ToLower(strings.TrimSpace(fields[0]))
		level := 0
		switch kind, _, _ := strings.Cut(mediaType, "/"); name {
		case mediaType:
			level = 3
		case kind + "/*":
			level = 2
		case "*/*":
			level = 1
		}
		if level <= specific {
			continue
		}
		specific, q = level, 1
		for _, f := range fields[1:] {
			if value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(f)), "q="); ok {
				q, _ = strconv.ParseFloat(value, 64)
			}
		}
	}
	return q
}

// answer writes a value as JSON, or that the caller has it already.
func (c *call) answer(value any) error {
	body, err := encoded(value)
	if err != nil {
		return err
	}
	c.send(c.form, tagOf(body), body)
	return nil
}

func encoded(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return text.Bytes(), err
}

// tagOf is the ETag of what was written, a weak one, for the answer may be compressed.
func tagOf(parts ...[]byte) string {
	sum := sha256.New()
	for _, p := range parts {
		sum.Write(p)
	}
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]) + `"`
}

// send writes an answer, or that the caller has it already, by its ETag.
func (c *call) send(contentType, tag string, body []byte) {
	h := c.w.Header()
	h.Set("Cache-Control", "private, no-cache")
	if c.r.Method != http.MethodPost {
		h.Set("ETag", tag)
		if matches(c.r.Header.Values("If-None-Match"), tag) {
			c.w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Type", contentType)
	_, _ = c.w.Write(body) // an error here is a client that went away
}

// matches says whether a tag is among those of If-None-Match, by weak comparison.
func matches(headers []string, tag string) bool {
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		if part = strings.TrimSpace(part); part == "*" || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
