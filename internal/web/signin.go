package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/rampart-sec/rampart/internal/access"
	"github.com/rampart-sec/rampart/internal/arm"
)

// SignInPath is the path of one-time sign-in links: SignInPath + "?code=" +
// the link's token.
const SignInPath = "/signin"

// signInPage asks for a code.
type signInPage struct {
	*frame
	Problem string
}

// signIn spends the code of a one-time link, from the link itself or typed in.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	code := strings.TrimSpace(r.FormValue("code"))
	if code == "" {
		s.askSignIn(w, r, "")
		return
	}
	// People paste the whole link.
	if link, err := url.Parse(code); err == nil && link.Query().Get("code") != "" {
		code = link.Query().Get("code")
	}
	cookie, err := s.opt.Access.Redeem(r.Context(), code, r.TLS != nil)
	var known *arm.Error
	switch {
	case errors.As(err, &known):
		s.askSignIn(w, r, known.Message)
	case err != nil:
		s.fail(w, r, err)
	default:
		http.SetCookie(w, cookie)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (s *Server) askSignIn(w http.ResponseWriter, r *http.Request, problem string) {
	s.render(w, r, page{"signin", &signInPage{frame: s.bareFrame(r, "Sign in"), Problem: problem}, http.StatusUnauthorized})
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.checkForm(r); err != nil {
		s.fail(w, r, err)
		return
	}
	cookie, err := s.opt.Access.SignOut(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, SignInPath, http.StatusSeeOther)
}

// sessionOf is the request's session secret, "" without one.
func sessionOf(r *http.Request) string {
	cookie, err := r.Cookie(access.SessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// theme is the colour scheme that the reader chose: "light", "dark" or "" for
// that of the system.
func theme(r *http.Request) string {
	cookie, err := r.Cookie("theme")
	if err != nil || cookie.Value != "light" && cookie.Value != "dark" {
		return ""
	}
	return cookie.Value
}

// setTheme keeps the reader's choice in a cookie and goes back.
func (s *Server) setTheme(w http.ResponseWriter, r *http.Request) {
	if err := s.checkForm(r); err != nil {
		s.fail(w, r, err)
		return
	}
	choice := r.PostForm.Get("theme")
	if choice != "light" && choice != "dark" {
		choice = ""
	}
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: choice, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, back(r), http.StatusSeeOther)
}

// back is the page that a form names to return to, if it is one of ours.
func back(r *http.Request) string {
	target := r.PostForm.Get("back")
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.HasPrefix(target, "/\\") {
		return "/"
	}
	return target
}
