package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// ServeAPI is the variables that let a consumer serve the HTTP API on a free port of loopback, to the holders of tokens in
// a file.
func ServeAPI(tokensFile string) []string {
	return []string{"BILLING_API_LISTEN=127.0.0.1:0", "BILLING_API_TOKENS_FILE=" + tokensFile, "BILLING_API_REQUESTS_PER_SECOND=100000"}
}

// NewToken makes a bearer token by `billing-consumer token` with its arguments, and adds it to a file of tokens.
func NewToken(ctx context.Context, binary, tokensFile string, args ...string) (token string, err error) {
	file, err := os.OpenFile(tokensFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, binary, append([]string{"token"}, args...)...)
	var shown strings.Builder
	cmd.Stdout, cmd.Stderr = file, &shown
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("billing-consumer token: %w\n%s", err, shown.String())
	}
	return strings.TrimSpace(shown.String()), nil
}

// apiAddress is in the line of the log that says that the API is served.
var apiAddress = regexp.MustCompile(`"address":"([^"]+)","scheme":"http"`)

// API is where the process serves the HTTP API. It waits until the process says so.
func (c *Consumer) API(ctx context.Context) (url string, err error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		log, err := os.ReadFile(c.logFile)
		if err != nil {
			return "", err
		}
		if found := apiAddress.FindAllSubmatch(log, -1); found != nil {
			return "http://" + string(found[len(found)-1][1]), nil
		}
		select {
		case <-tick.C:
		case <-c.Done():
			return "", c.Check()
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// askLimit is above the API's own limit of an answer.
const askLimit = time.Minute

var asking = &http.Client{Timeout: askLimit}

// Ask asks the HTTP API, and gives the body of an answer 200.
func Ask(ctx context.Context, url, token string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := asking.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s\n%s", url, answer.Status, body)
	}
	return body, nil
}
