package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// response is what a handler answers: a JSON body, or a stream.
type response struct {
	status      int
	body        any // nil: none
	etag        string
	warnings    []string              // for people, in headers
	location    string                // where a long-running operation is polled
	contentType string                // of stream
	file        string                // name under which a browser saves the stream; "": it shows it
	stream      func(io.Writer) error // nil: none
}

func ok(body any) (response, error) { return response{status: http.StatusOK, body: body}, nil }

func noContent() (response, error) { return response{status: http.StatusNoContent}, nil }

// responder writes one answer with the headers that clients of ARM expect.
type responder struct {
	w         http.ResponseWriter
	api       *API
	requestID string
	status    int // 0 until the answer has begun
}

func newRequestID() string { return uuid.NewString() }

func (o *responder) header() http.Header {
	h := o.w.Header()
	h.Set("X-Ms-Request-Id", o.requestID)
	h.Set("X-Ms-Correlation-Request-Id", o.requestID)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	return h
}

func (o *responder) send(r response) {
	h := o.header()
	for _, w := range r.warnings {
		h.Add("Warning", "299 - "+strconv.QuoteToASCII(w))
	}
	if r.etag != "" {
		h.Set("ETag", `"`+r.etag+`"`)
	}
	if r.location != "" {
		h.Set("Location", r.location)
	}
	if r.location != "" || r.status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if r.stream != nil {
		h.Set("Content-Type", r.contentType)
		if r.file != "" {
			h.Set("Content-Disposition", attachment(r.file))
		}
		o.start(r.status)
		if err := r.stream(o.w); err != nil {
			o.api.Log.Warn("answer cut short", "request", o.requestID, "error", err)
			panic(http.ErrAbortHandler) // the client must see that it is not whole
		}
		return
	}
	if r.body == nil {
		o.start(r.status)
		return
	}
	b, err := json.Marshal(r.body)
	if err != nil {
		o.fail(nil, fmt.Errorf("encode answer: %w", err))
		return
	}
	o.write(r.status, b)
}

func (o *responder) write(status int, body []byte) {
	o.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	o.start(status)
	if _, err := o.w.Write(body); err != nil {
		o.api.Log.Debug("client is gone", "request", o.requestID, "error", err)
	}
}

func (o *responder) start(status int) {
	o.status = status
	o.w.WriteHeader(status)
}

// fail writes an error. This is the one place where errors become HTTP.
func (o *responder) fail(r *http.Request, err error) {
	e := o.api.public(err, o.requestID)
	h := o.header()
	h.Set("X-Ms-Error-Code", e.Code)
	switch e.Status {
	case http.StatusUnauthorized:
		if r != nil {
			h.Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization_uri="%s/adfs", error="invalid_token"`, o.api.base(r)))
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	o.write(e.Status, e.MarshalBody())
}

// retryAfter is how many seconds a client waits before it tries again: long
// enough for a load or a burst to pass, short enough not to stall a script.
const retryAfter = 2

// public turns any error into one that clients may see. What is not meant for
// them is logged under the request id and shown as an internal error.
func (a *API) public(err error, requestID string) *arm.Error {
	var e *arm.Error
	if errors.As(err, &e) {
		if e.Status == 0 {
			e.Status = http.StatusInternalServerError
		}
		return e
	}
	var document *policy.DocumentError
	if errors.As(err, &document) {
		return &arm.Error{Status: http.StatusBadRequest, Code: "InvalidPolicyDocument", Message: document.Error(), Target: document.Path}
	}
	a.Log.Error("request failed", "request", requestID, "error", err)
	return &arm.Error{Status: http.StatusInternalServerError, Code: "InternalServerError",
		Message: "The request could not be done. The server's log has the reason under request id " + requestID + "."}
}

// recover turns a panic of a handler into a 500 that is logged with its stack;
// the server goes on.
func (o *responder) recover() {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler || o.status != 0 {
		panic(http.ErrAbortHandler)
	}
	o.api.Log.Error("handler panicked", "request", o.requestID, "panic", v, slog.String("stack", string(debug.Stack())))
	o.fail(nil, fmt.Errorf("handler panicked: %v", v))
}

func subscriptionNotFound(name string) *arm.Error {
	return &arm.Error{Status: http.StatusNotFound, Code: "SubscriptionNotFound",
		Message: fmt.Sprintf("The subscription '%s' could not be found.", name)}
}

func isStatus(err error, status int) bool {
	var e *arm.Error
	return errors.As(err, &e) && e.Status == status
}
