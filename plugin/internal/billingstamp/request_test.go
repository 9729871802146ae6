package billingstamp

import (
	"context"
	"net"
	"net/http"
	"net/url"

	runnerhttp "github.com/apache/apisix-go-plugin-runner/pkg/http"
)

// fakeRequest is a request as the runner shows it to a plugin.
type fakeRequest struct {
	header     fakeHeader
	respHeader http.Header
	vars       map[string]string
	// asked are the variables that the plugin asked for, in order.
	asked  []string
	varErr error
	// varPanic panics in Var, as the runner does on an answer that is no flatbuffer.
	varPanic bool
}

type fakeHeader struct{ http.Header }

func (h fakeHeader) View() http.Header { return h.Header }

// newRequest takes the headers as pairs of name and value, named as the client spelled them.
func newRequest(vars map[string]string, headers ...string) *fakeRequest {
	r := &fakeRequest{header: fakeHeader{http.Header{}}, respHeader: http.Header{}, vars: vars}
	for i := 0; i < len(headers); i += 2 {
		r.header.Add(headers[i], headers[i+1])
	}
	return r
}

func (r *fakeRequest) Var(name string) ([]byte, error) {
	if r.varPanic {
		panic("no flatbuffer")
	}
	r.asked = append(r.asked, name)
	if r.varErr != nil {
		return nil, r.varErr
	}
	return []byte(r.vars[name]), nil
}

func (r *fakeRequest) Header() runnerhttp.Header { return r.header }
func (r *fakeRequest) RespHeader() http.Header   { return r.respHeader }
func (r *fakeRequest) ID() uint32                { return 1 }
func (r *fakeRequest) SrcIP() net.IP             { return nil }
func (r *fakeRequest) Method() string            { return "GET" }
func (r *fakeRequest) Path() []byte              { return []byte("/") }
func (r *fakeRequest) SetPath([]byte)            {}
func (r *fakeRequest) Args() url.Values          { return nil }
func (r *fakeRequest) Body() ([]byte, error)     { return nil, nil }
func (r *fakeRequest) Context() context.Context  { return context.Background() }
