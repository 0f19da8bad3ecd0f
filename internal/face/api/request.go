package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// maxBody bounds a request's body; imports are bounded line by line instead.
const maxBody = 4 << 20

// request is what a handler gets: the HTTP request with its caller, its scope
// and the variables of its path.
type request struct {
	*http.Request
	route     *route
	principal access.Principal
	scope     arm.ID
	vars      map[string]string
	id        string // request id, for the answer's headers
}

// tenant is the caller's tenant. It is the only source of a tenant in this
// package: no header, path or body can name another.
func (r *request) tenant() string { return r.principal.Tenant }

var versionPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-preview|-privatepreview)?$`)

// checkVersion demands an api-version on ARM paths, as clients are used to.
func (r *request) checkVersion() error {
	if strings.HasPrefix(r.route.pattern, "/rampart/") {
		return nil
	}
	switch version := r.version(); {
	case version == "":
		return &arm.Error{Status: http.StatusBadRequest, Code: "MissingApiVersionParameter",
			Message: "The api-version query parameter (?api-version=) is required for all requests."}
	case !versionPattern.MatchString(version):
		return &arm.Error{Status: http.StatusBadRequest, Code: "InvalidApiVersionParameter",
			Message: fmt.Sprintf("The api-version %q is not a date like 2024-01-01 or 2024-01-01-preview.", clip(version))}
	}
	return nil
}

func (r *request) version() string { return r.option("api-version") }

// option is a query parameter by name without case, "" if it is missing.
func (r *request) option(name string) string {
	query := r.URL.Query()
	if v := query.Get(name); v != "" {
		return v
	}
	for key, values := range query {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// expands reports whether $expand asks for a part.
func (r *request) expands(part string) bool {
	for name := range strings.SplitSeq(r.option("$expand"), ",") {
		if strings.EqualFold(strings.TrimSpace(name), part) {
			return true
		}
	}
	return false
}

// refuse answers 400 to query options that this endpoint does not honour:
// ignoring a filter would show more than was asked for.
func (r *request) refuse(options ...string) error {
	for _, name := range options {
		if r.option(name) != "" {
			return &arm.Error{Status: http.StatusBadRequest, Code: "InvalidQueryOption", Target: name,
				Message: fmt.Sprintf("The query option %s is not supported here.", name)}
		}
	}
	return nil
}

// body reads the whole body, bounded.
func (r *request) body() ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &arm.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestContentTooLarge",
			Message: fmt.Sprintf("The body is larger than %d bytes.", maxBody)}
	}
	if err != nil {
		return nil, arm.Invalid("The body could not be read: %v.", err)
	}
	return b, nil
}

// decode reads the body as one JSON value. Members that the server does not
// know are passed over, as clients of newer versions send them; members given
// twice, values nested too deep and what follows the value are refused.
func (r *request) decode(into any) error {
	b, err := r.body()
	if err != nil {
		return err
	}
	return decodeJSON(b, into)
}

func decodeJSON(b []byte, into any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return arm.Invalid("The request has no body.")
	}
	if _, err := policy.ParseValue(b); err != nil {
		return arm.Invalid("The body is not the JSON that is expected: %v.", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber() // numbers are kept as they were written
	if err := decoder.Decode(into); err != nil {
		return arm.Invalid("The body is not the JSON that is expected: %s.", jsonFault(err))
	}
	return nil
}

// jsonFault says what is wrong in the client's words: the member, not our type.
func jsonFault(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("%s must not be a %s", wrong.Field, wrong.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// base is the address that absolute links begin with.
func (a *API) base(r *http.Request) string {
	if a.BaseURL != "" {
		return strings.TrimSuffix(a.BaseURL, "/")
	}
	return "https://" + r.Host
}

// estate is the caller's estate, 503 while it is being loaded.
func (a *API) estate(r *request) (*judge.Estate, *index.View, error) {
	estate := a.Judge.Estate(r.tenant())
	if estate == nil || estate.View() == nil {
		return nil, nil, notReady()
	}
	return estate, estate.View(), nil
}

func notReady() *arm.Error {
	return &arm.Error{Status: http.StatusServiceUnavailable, Code: "ServerNotReady", Message: "The estate is still being loaded; try again in a moment."}
}

// postureScope is the request's scope as posture asks for it.
func (r *request) postureScope() index.Scope { return index.Scope{ID: r.scope.String()} }
