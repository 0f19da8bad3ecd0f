package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/rampart-sec/rampart/internal/arm"
)

// policy allows the page's own style sheet, scripts, images and requests and
// nothing else: no inline script, no inline style, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// maxForm bounds the body of a form.
const maxForm = 64 << 10

// guard sets the headers that every answer carries and refuses writes that
// another site started.
func guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// formToken is what a form of this session must send back.
func (s *Server) formToken(session string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(session))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// checkForm parses the body of a write and compares its token. The cross-origin
// check has already run; the token covers clients that send no origin.
func (s *Server) checkForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return arm.Invalid("The form could not be read: %v.", err)
	}
	want := s.formToken(sessionOf(r))
	if !hmac.Equal([]byte(r.PostForm.Get("token")), []byte(want)) {
		return &arm.Error{Status: http.StatusForbidden, Code: "InvalidFormToken",
			Message: "This form was opened in another session. Open the page again and repeat the change."}
	}
	return nil
}
