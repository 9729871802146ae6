package api

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"gateway-billing.internal/consumer/internal/apitoken"
)

//go:embed openapi.yaml
var document []byte

// operation is one operation of the document.
type operation struct {
	id, method, path string
	// scope is what a token needs; "" is open to all.
	scope apitoken.Scope
	// query are the parameters that the operation knows. Another one is refused: a filter that is misspelt must not be a
	// filter that is left out.
	query []string
	// forms are the types that the answer can be had in, the first where all will do; nil is the one that it is.
	forms []string
	do    func(*call) error
}

// asJSON are the forms of most answers.
var asJSON = []string{"application/json"}

func (s *Server) operations() []operation {
	return []operation{
		{"getDocument", http.MethodGet, "/openapi.yaml", "", nil, nil, s.document},
		{"getUsage", http.MethodGet, "/v1/usage", apitoken.UsageRead, usageParameters, asJSON, s.usage},
		{"followRecords", http.MethodGet, "/v1/records", apitoken.RecordsRead, []string{"cursor", "limit"}, []string{asJSON[0], ndjson}, s.follow},
		{"getRecords", http.MethodGet, "/v1/records/{id}", apitoken.RecordsRead, nil, asJSON, s.records},
		{"listDeadLetters", http.MethodGet, "/v1/dead-letters", apitoken.DeadLettersRead, deadLettersParameters, asJSON, s.deadLetters},
		{"getDeadLetter", http.MethodGet, "/v1/dead-letters/{id}", apitoken.DeadLettersRead, nil, asJSON, s.deadLetter},
		{"redriveDeadLetter", http.MethodPost, "/v1/dead-letters/{id}/redrive", apitoken.DeadLettersRedrive, []string{"dry_run"}, asJSON, s.redrive},
		{"listGaps", http.MethodGet, "/v1/gaps", apitoken.GapsRead, gapsParameters, asJSON, s.gaps},
	}
}

func (s *Server) document(c *call) error {
	c.send("application/yaml", tagOf(document), document)
	return nil
}

// handler is all operations, with problems for what is none.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	paths := map[string][]operation{}
	for _, op := range s.operations() {
		paths[op.path] = append(paths[op.path], op)
	}
	for address, ops := range paths {
		mux.HandleFunc(address, func(w http.ResponseWriter, r *http.Request) {
			i := slices.IndexFunc(ops, func(op operation) bool {
				return op.method == r.Method || op.method == http.MethodGet && r.Method == http.MethodHead
			})
			if i < 0 {
				allow := make([]string, len(ops))
				for i, op := range ops {
					allow[i] = op.method
				}
				w.Header().Set("Allow", strings.Join(allow, ", "))
				plain(http.StatusMethodNotAllowed, "this address has no such method").write(w)
				return
			}
			s.serve(&ops[i], w, r)
		})
	}
	none := func(w http.ResponseWriter) {
		plain(http.StatusNotFound, "there is no such address; /openapi.yaml lists all").write(w)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { none(w) })
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.ContentTypes([]string{
		"application/json", "application/x-ndjson", "application/problem+json", "application/yaml",
	}))
	if err != nil {
		panic(err) // the options are constant
	}
	return compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// Each answer has its own: a connection keeps that of the answer before.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.options.QueryLimit + writeLimit)); err != nil {
			s.options.Log.Debug().Err(err).Msg("api: no deadline for an answer")
		}
		switch {
		case len(r.RequestURI) > maxAddress:
			plain(http.StatusRequestURITooLong, "the address is too long").write(w)
		case path.Clean(r.URL.Path) != r.URL.Path: // to which mux would answer with another address
			none(w)
		default:
			mux.ServeHTTP(w, r)
		}
	}))
}

// errTooSlow ends the context of a request whose answer took too long.
var errTooSlow = errors.New("too slow")

// serve answers one request: who asks, may they, is it their turn, what is asked for, the answer.
func (s *Server) serve(op *operation, w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	out := &writer{ResponseWriter: w}
	grant := &apitoken.Grant{}
	defer func() {
		if fault := recover(); fault != nil && fault != http.ErrAbortHandler { //nolint:errorlint // a panic's value, compared as net/http does
			s.options.Log.Error().Str("operation", op.id).Any("panic", fault).Bytes("stack", debug.Stack()).Msg("api: a request failed")
			if out.status == 0 {
				plain(http.StatusInternalServerError, "this is a fault of the server").write(out)
			} else {
				defer panic(http.ErrAbortHandler)
			}
		} else if fault != nil {
			defer panic(fault)
		}
		s.metrics.answered(op.id, out.status, time.Since(began))
		s.options.Log.Debug().Str("operation", op.id).Str("token", grant.Name).Int("status", out.status).Dur("took", time.Since(began)).
			Msg("api: request")
	}()
	ctx, cancel := context.WithTimeoutCause(r.Context(), s.options.QueryLimit, errTooSlow)
	defer cancel()
	err := s.answer(op, out, r.WithContext(ctx), grant)
	if err == nil {
		return
	}
	gone := r.Context().Err() != nil
	if out.status != 0 { // the answer has begun: what can be said is that it has no end
		if !gone {
			s.failed(op, err)
		}
		panic(http.ErrAbortHandler)
	}
	p := problemOf(ctx, err)
	if p.Status == http.StatusGatewayTimeout && !gone {
		if away := s.databaseAway(r.Context()); away != nil { // then it is not what was asked that takes long
			p, err = outage(), away
		}
	}
	if p.Status == http.StatusServiceUnavailable && !gone {
		s.failed(op, err)
	}
	p.write(out)
}

// databaseAway says why the database answers nobody now, nil where it does.
func (s *Server) databaseAway(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, awayLimit)
	defer cancel()
	return s.options.Store.Check(limited)
}

// failed logs what kept an answer from being given. The texts of errors of the ledger hold no values of records.
func (s *Server) failed(op *operation, err error) {
	if errors.Is(err, errGone) {
		return // the client's doing
	}
	s.options.Log.Warn().Str("operation", op.id).Err(err).Msg("api: no answer")
}

// answer is all that may end in a problem. grant becomes the caller's.
func (s *Server) answer(op *operation, w http.ResponseWriter, r *http.Request, grant *apitoken.Grant) error {
	if op.scope != "" {
		found, err := s.authenticate(r)
		if err != nil {
			challenge := `Bearer realm="billing"`
			if r.Header.Get("Authorization") != "" {
				challenge += `, error="invalid_token"`
			}
			w.Header().Set("WWW-Authenticate", challenge)
			return err
		}
		*grant = *found
		if wait := s.limits.wait(found.Name, time.Now()); wait > 0 {
			return later(http.StatusTooManyRequests, wait, "this token asks too often")
		}
		if !found.Allows(op.scope) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="billing", error="insufficient_scope", scope="`+string(op.scope)+`"`)
			return plain(http.StatusForbidden, "the token does not have the scope "+string(op.scope))
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if n, err := io.Copy(io.Discard, r.Body); n > 0 || err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return plain(http.StatusRequestEntityTooLarge, "no operation takes a body")
		}
		return plain(http.StatusBadRequest, "no operation takes a body")
	}
	c := &call{w: w, r: r, grant: grant}
	if op.forms != nil {
		if c.form = c.accepts(op.forms...); c.form == "" { // before anything is done: a redrive is not undone for its answer's form
			return plain(http.StatusNotAcceptable, "the answer is "+strings.Join(op.forms, " or "))
		}
	}
	var err error
	if c.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return plain(http.StatusBadRequest, "the part of the address behind its ? can't be read")
	}
	for name := range c.query {
		if !slices.Contains(op.query, name) {
			c.fail(name[:min(len(name), 40)], "is no parameter of this operation")
		}
	}
	slices.SortFunc(c.wrong, func(a, b parameterError) int { return strings.Compare(a.Parameter, b.Parameter) })
	if err := c.invalid(); err != nil {
		return err
	}
	if op.scope == "" { // it asks nothing of the database, and who has no token takes nobody's turn
		return op.do(c)
	}
	giveBack, err := s.takeTurn(r.Context(), grant)
	if err != nil {
		return err
	}
	defer giveBack()
	return op.do(c)
}

// takeTurn waits until few enough are answered: of the token, of restricted ones, of all.
func (s *Server) takeTurn(ctx context.Context, grant *apitoken.Grant) (giveBack func(), err error) {
	limited, cancel := context.WithTimeout(ctx, maxWaiting)
	defer cancel()
	own := s.limits.turnsOf(grant.Name)
	needs := []chan struct{}{own}
	if grant.Consumers != nil {
		needs = append(needs, s.restricted)
	}
	needs = append(needs, s.turns) // last, and always in this order: nobody has what the other waits for
	var taken []chan struct{}
	giveBack = func() {
		for _, turns := range slices.Backward(taken) {
			<-turns
		}
	}
	for _, turns := range needs {
		select {
		case turns <- struct{}{}:
			taken = append(taken, turns)
			continue
		case <-limited.Done():
		}
		giveBack()
		if turns == own {
			return nil, later(http.StatusTooManyRequests, time.Second, "this token asks for too much at once")
		}
		return nil, later(http.StatusServiceUnavailable, time.Second, "too much is being asked at once")
	}
	return giveBack, nil
}

// writer knows whether an answer has begun.
type writer struct {
	http.ResponseWriter
	status int
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
