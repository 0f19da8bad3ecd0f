package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

// contentPolicy allows the page's own style sheet, scripts, images and requests and
// nothing else: no inline script, no inline style, no frame.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Limits of the body of a form; forms with files are those below /compliance/
// and the what-if.
const (
	maxForm   = 64 << 10
	maxUpload = compliance.MaxEvidence + maxForm
)

// bodyLimit is how much a request may send.
func bodyLimit(r *http.Request) int64 {
	switch {
	case isUpload(r) && strings.Contains(r.URL.Path, "/compliance/"):
		return maxUpload
	case isUpload(r) && strings.HasSuffix(r.URL.Path, "/what-if"):
		return 2*maxSupposed + maxForm // pasted, and as a file
	}
	return maxForm
}

func isUpload(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data")
}

// guard sets the headers that every answer carries and refuses writes that
// another site started.
func guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
		next.ServeHTTP(w, r)
	})
}

// formToken is what a form of this session must send back.
func (s *Server) formToken(session string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(session))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// parseForm reads a form, its files into memory: they are bounded.
func parseForm(r *http.Request) error {
	err := r.ParseForm()
	if err == nil && isUpload(r) {
		err = r.ParseMultipartForm(maxUpload)
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &arm.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestContentTooLarge", Message: "What was sent is too large: a file may have 5 MiB, a form without one 64 KiB."}
	}
	if err != nil {
		return arm.Invalid("The form could not be read: %v.", err)
	}
	return nil
}

// badToken is the code of a form that another session opened.
const badToken = "InvalidFormToken"

// checkForm parses the body of a write and compares its token. The cross-origin
// check has already run; the token covers clients that send no origin.
func (s *Server) checkForm(r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	want := s.formToken(sessionOf(r))
	if !hmac.Equal([]byte(r.PostForm.Get("token")), []byte(want)) {
		return &arm.Error{Status: http.StatusForbidden, Code: badToken,
			Message: "This form was opened in another session. Open the page again and repeat the change."}
	}
	return nil
}
