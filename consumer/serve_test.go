package main_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// makeToken makes a token as an operator does: its lines go to the end of a file, and it is shown once.
func makeToken(t *testing.T, file string, args ...string) (token string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"token"}, args...)...)
	var shown bytes.Buffer
	cmd.Stderr = &shown
	lines, err := cmd.Output()
	if err != nil {
		t.Fatalf("token: %v: %s", err, shown.String())
	}
	token = strings.TrimSpace(shown.String())
	if len(token) < 40 || strings.ContainsAny(token, " \n") || bytes.Contains(lines, []byte(token)) {
		t.Fatalf("shown: %q, lines: %q", token, lines)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(lines); err != nil {
		t.Fatal(err)
	}
	return token
}

// apiClient asks an API.
type apiClient struct {
	http http.Client
	url  string
}

func newAPIClient(t *testing.T, url string, encryption *tls.Config) *apiClient {
	c := &apiClient{url: url}
	transport := &http.Transport{TLSClientConfig: encryption, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	c.http.Transport = transport
	t.Cleanup(transport.CloseIdleConnections)
	return c
}

// ask gives status and body of an answer, and who gave it where that is encrypted.
func (c *apiClient) ask(t *testing.T, token, path string) (status int, body []byte, serial int64) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := c.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(answer.Body); err != nil {
		t.Fatal(err)
	}
	if answer.TLS != nil {
		serial = answer.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	return answer.StatusCode, body, serial
}

type usageAnswer struct {
	Total struct {
		Records     int `json:"records"`
		TotalTokens int `json:"total_tokens"`
	}
	Complete bool
	Until    *time.Time `json:"complete_until"`
	Reason   *string    `json:"complete_until_reason"`
}

func (c *apiClient) usage(t *testing.T, token, query string) (u usageAnswer) {
	t.Helper()
	status, body, _ := c.ask(t, token, "/v1/usage?"+query)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", query, status, body)
	}
	if err := json.Unmarshal(body, &u); err != nil {
		t.Fatal(err)
	}
	return u
}

// hangup sends SIGHUP and waits until the log tells of it once more.
func (c *consumer) hangup(t *testing.T, told string) {
	t.Helper()
	before := strings.Count(c.log.String(), told)
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, 20*time.Second, told, func() bool { return strings.Count(c.log.String(), told) > before })
}

// `run` with an address for the API and `serve` beside it answer alike, and end on SIGTERM. Tokens come and go by SIGHUP, a file
// that can't be read changes nothing, and no token is ever logged.
func TestServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	inAll := tokens(200)
	tokens := map[string]string{"ops": makeToken(t, file, "--name", "ops", "--scope", "usage:read,records:read")}
	tokens["bob"] = makeToken(t, file, "--name", "bob", "--scope", "usage:read", "--consumer", "bob", "--consumer", "")
	w.root = "api:\n  listen: 127.0.0.1:0\n  tokens_file: " + file + "\n  log_delay: 0s\nlog:\n  level: debug\n"
	run, serve := w.start(t), w.startAs(t, "serve")
	var clients []*apiClient
	for _, c := range []*consumer{run, serve} {
		await(t, 20*time.Second, "the API's address", func() bool { return c.listens("serving the HTTP API") != "" })
		clients = append(clients, newAPIClient(t, "http://"+c.listens("serving the HTTP API"), nil))
	}
	w.producer(t)(array(0, 200))
	sent := time.Now() // behind the time at which the broker stored it
	const query = "from=2026-11-22&consumer=alice&by=model"
	for _, api := range clients {
		var got usageAnswer
		await(t, 60*time.Second, "200 records, and that they are all", func() bool {
			got = api.usage(t, tokens["ops"], query)
			return got.Until != nil && got.Until.After(sent)
		})
		if got.Total.Records != 200 || got.Total.TotalTokens != inAll || !got.Complete {
			t.Errorf("complete until %v, behind what was sent at %v, and %+v", got.Until, sent, got)
		}
		if hers := api.usage(t, tokens["bob"], "from=2026-11-22"); hers.Total.Records != 0 {
			t.Errorf("bob sees %+v of alice", hers)
		}
		if status, body, _ := api.ask(t, tokens["bob"], "/v1/records"); status != http.StatusForbidden {
			t.Errorf("bob and the records: %d %s", status, body)
		}
		await(t, 20*time.Second, "the records in the feed", func() bool {
			_, body, _ := api.ask(t, tokens["ops"], "/v1/records?limit=1000")
			return bytes.Count(body, []byte(`"billing_key":`)) == 200
		})
	}

	// bob's token goes, carol's comes, and both programs hear of it.
	old := tokens["bob"]
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	tokens["new"] = makeToken(t, file, "--name", "new", "--scope", "usage:read")
	tokens["carol"] = makeToken(t, file, "--name", "carol", "--scope", "usage:read,records:read", "--consumer", "alice")
	for i, c := range []*consumer{run, serve} {
		c.hangup(t, "tokens of the API: read again")
		for name, want := range map[string]int{"ops": 401, "bob": 401, "new": 200, "carol": 200} {
			if status, body, _ := clients[i].ask(t, tokens[name], "/v1/usage?"+query); status != want {
				t.Errorf("%s: %d %s, want %d", name, status, body, want)
			}
		}
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(good), "usage:read", tokens["carol"], 1) // a token where a scope should be
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, c := range []*consumer{run, serve} {
		c.hangup(t, "tokens of the API: the new ones can't be read; the old ones stay")
		if status, _, _ := clients[i].ask(t, tokens["carol"], "/v1/usage?"+query); status != http.StatusOK {
			t.Errorf("after a broken file: %d", status)
		}
	}
	shown := run.everything(t) + serve.everything(t)
	run.terminate(t, 40*time.Second)
	serve.terminate(t, 20*time.Second)
	shown += run.log.String() + serve.log.String()
	for _, token := range []string{tokens["ops"], old, tokens["new"], tokens["carol"]} {
		if strings.Contains(shown, token) || strings.Contains(shown, token[10:30]) {
			t.Error("a token is shown in log or metrics")
		}
	}
	for _, text := range []string{`"token":"carol"`, `billing_api_requests_total{code="403",operation="followRecords"}`} {
		if !strings.Contains(shown, text) {
			t.Errorf("%s is not shown", text)
		}
	}
}

// What was given back to a broker came at a time that nobody tells any more: until it is recorded, nothing is called complete.
func TestServeBesideMessagesThatWereGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	retry := *w
	retry.topic = "%RETRY%" + w.group
	if err := w.broker.CreateTopic(t.Context(), retry.topic, 1, stack.ReadWrite); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.broker.DeleteTopic(context.WithoutCancel(t.Context()), retry.topic) })
	retry.producer(t)(array(0, 3))
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	token := makeToken(t, file, "--name", "ops", "--scope", "usage:read")
	w.root = "api:\n  listen: 127.0.0.1:0\n  tokens_file: " + file + "\n"
	serve := w.startAs(t, "serve")
	await(t, 20*time.Second, "the API's address", func() bool { return serve.listens("serving the HTTP API") != "" })
	api := newAPIClient(t, "http://"+serve.listens("serving the HTTP API"), nil)
	await(t, 30*time.Second, "a word on what was given back", func() bool {
		got := api.usage(t, token, "from=2026-11-22")
		return got.Until == nil && !got.Complete && got.Reason != nil && strings.Contains(*got.Reason, "given back to a broker")
	})
	run := w.start(t)
	await(t, 60*time.Second, "all recorded, and said so", func() bool {
		got := api.usage(t, token, "from=2026-11-22")
		return got.Until != nil && got.Total.Records == 3
	})
	run.terminate(t, 40*time.Second)
	serve.terminate(t, 20*time.Second)
}

// With a certificate the API is served over TLS alone; a new one is taken at SIGHUP, and one that can't be read changes nothing.
// Where messages may lie with the broker that no queue shows, nothing is said to be complete.
func TestServeOverTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	dir := t.TempDir()
	file, certFile, keyFile := filepath.Join(dir, "tokens.yaml"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	token := makeToken(t, file, "--name", "ops", "--scope", "usage:read")
	roots := x509.NewCertPool()
	roots.AddCert(certificate(t, certFile, keyFile, 1))
	w.extra = "  on_failure: reconsume\n  dlq: true\n"
	w.root = "api:\n  listen: 127.0.0.1:0\n  tokens_file: " + file + "\n  cert_file: " + certFile + "\n  key_file: " + keyFile + "\n"
	c := w.startAs(t, "serve")
	await(t, 20*time.Second, "the API's address", func() bool { return c.listens("serving the HTTP API") != "" })
	address := c.listens("serving the HTTP API")
	api := newAPIClient(t, "https://"+address, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	await(t, 20*time.Second, "the database", func() bool {
		status, _, _ := api.ask(t, token, "/v1/usage?from=today")
		return status == http.StatusOK
	})
	got := api.usage(t, token, "from=2026-11-01")
	if got.Complete || got.Until != nil || got.Reason == nil || !strings.Contains(*got.Reason, "rocketmq.on_failure: reconsume") {
		t.Errorf("with on_failure: reconsume: %+v", got)
	}
	if status, _, _ := newAPIClient(t, "http://"+address, nil).ask(t, token, "/v1/usage?from=today"); status != http.StatusBadRequest {
		t.Errorf("without TLS: %d", status)
	}
	if _, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("TLS 1.1 is taken")
	}
	serial := func() int64 { _, _, n := api.ask(t, token, "/v1/usage?from=today"); return n }
	if n := serial(); n != 1 {
		t.Errorf("serial %d, want that of the first certificate", n)
	}
	roots.AddCert(certificate(t, certFile, keyFile, 2))
	c.hangup(t, "certificate of the API: read again")
	if n := serial(); n != 2 {
		t.Errorf("serial %d after SIGHUP", n)
	}
	if err := os.WriteFile(keyFile, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.hangup(t, "certificate of the API: the new one can't be read; the old one stays")
	if n := serial(); n != 2 {
		t.Errorf("serial %d after a bad file", n)
	}
	c.terminate(t, 20*time.Second)
}

// certificate writes a certificate for 127.0.0.1 that signs itself, with its key.
func certificate(t *testing.T, certFile, keyFile string, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "billing"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// An API that can't be served as it is configured is told of at the start, by run and serve alike.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	dir := t.TempDir()
	file := filepath.Join(dir, "tokens.yaml")
	token := makeToken(t, file, "--name", "ops", "--scope", "usage:read")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct{ api, want string }{
		"no address":    {"log_delay: 1s", "api.listen"},
		"no file":       {"{listen: '127.0.0.1:0', tokens_file: " + dir + "/none}", "api.tokens_file"},
		"a broken file": {"{listen: '127.0.0.1:0', tokens_file: " + write("broken", "- name: "+token) + "}", "api.tokens_file"},
		"no cert":       {"{listen: '127.0.0.1:0', tokens_file: " + file + ", cert_file: " + dir + "/none, key_file: " + dir + "/none}", "api.cert_file"},
		"no key":        {"{listen: '127.0.0.1:0', tokens_file: " + file + ", cert_file: " + file + "}", "api.key_file"},
		"taken":         {"{listen: '" + taken.Addr().String() + "', tokens_file: " + file + "}", "api.listen"},
	} {
		w.root = "api: " + tt.api + "\n"
		if !strings.HasPrefix(tt.api, "{") {
			w.root = "api: {" + tt.api + "}\n"
		}
		for _, command := range []string{"run", "serve"} {
			if name == "no address" && command == "run" {
				continue
			}
			ctx, stop := context.WithTimeout(t.Context(), 40*time.Second)
			out, err := exec.CommandContext(ctx, binary, command, "--config", w.config(t)).CombinedOutput()
			stop()
			exit, _ := errors.AsType[*exec.ExitError](err)
			if exit == nil || exit.ExitCode() != 1 || !strings.Contains(string(out), tt.want) || strings.Contains(string(out), token) {
				t.Errorf("%s with %s: %v\n%s", command, name, err, out)
			}
		}
	}
}
