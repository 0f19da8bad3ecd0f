package arm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Error is the one error type that clients may distinguish: an HTTP status,
// an ARM error code and a sentence that says what to do. Everything else is
// internal and shown as such. Its JSON is the ARM error body.
type Error struct {
	Status  int     `json:"-"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Target  string  `json:"target,omitempty"`
	Details []Error `json:"details,omitempty"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NotFound says that nothing has this id.
func NotFound(id string) *Error {
	return &Error{Status: http.StatusNotFound, Code: "ResourceNotFound", Message: fmt.Sprintf("Nothing is stored under %q.", id), Target: id}
}

// IsNotFound reports whether an error is, or wraps, an Error that nothing was
// found.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// Invalid says that the request or document cannot be used and why.
func Invalid(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidRequestContent", Message: fmt.Sprintf(format, args...)}
}

// Forbidden says that the caller's roles do not allow the action at the scope.
func Forbidden(action, scope string) *Error {
	return &Error{Status: http.StatusForbidden, Code: "AuthorizationFailed",
		Message: fmt.Sprintf("The caller's roles do not allow %q at %q.", action, scope), Target: scope}
}

// Conflict says that the resource changed since the caller read it (412).
func Conflict(id string) *Error {
	return &Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed",
		Message: "It was changed by someone else since it was read; read it again and repeat the change.", Target: id}
}

// MarshalBody gives the wire form {"error": {...}}.
func (e *Error) MarshalBody() []byte {
	b, err := json.Marshal(struct {
		Error *Error `json:"error"`
	}{e})
	if err != nil {
		return []byte(`{"error":{"code":"InternalServerError","message":"The error could not be encoded."}}`)
	}
	return b
}
