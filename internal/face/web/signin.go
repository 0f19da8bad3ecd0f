package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// SignInPath is the path of one-time sign-in links: SignInPath + "?code=" +
// the link's token.
const SignInPath = "/signin"

// signInPage asks for a code.
type signInPage struct {
	*frame
	Problem string
	Asked   string // the page to go to, "" is the overview
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
		http.SetCookie(w, askedCookie("", -1))
		http.Redirect(w, r, safe(asked(r)), http.StatusSeeOther)
	}
}

// askSignIn asks a stranger for a code. The page that was asked for is kept in
// the form, and in a cookie for one who opens a link instead.
func (s *Server) askSignIn(w http.ResponseWriter, r *http.Request, problem string) {
	p := &signInPage{frame: s.bareFrame(r, "Sign in"), Problem: problem, Asked: asked(r)}
	if p.Asked != "" {
		http.SetCookie(w, askedCookie(p.Asked, askedSeconds))
	}
	s.render(w, r, page{"signin", p, http.StatusUnauthorized})
}

// askedSeconds is how long a page that was asked for is remembered.
const askedSeconds = 900

func askedCookie(target string, age int) *http.Cookie {
	return &http.Cookie{Name: "asked", Value: url.QueryEscape(target), Path: SignInPath, MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// asked is the page that a stranger asked for, "" for the overview: the request's
// own, else what the form or the cookie says. It is one of this site.
func asked(r *http.Request) string {
	target := r.RequestURI // with the tenant
	if strings.HasPrefix(r.URL.Path, SignInPath) {
		target = r.FormValue("back")
		if cookie, err := r.Cookie("asked"); target == "" && err == nil {
			target, _ = url.QueryUnescape(cookie.Value) // "" if it is none of ours
		}
	} else if r.Method != http.MethodGet || r.URL.Path == "/events" {
		return ""
	}
	if target = safe(target); target == "/" || strings.HasPrefix(target, SignInPath) {
		return ""
	}
	return target
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
	http.Redirect(w, r, safe(r.PostForm.Get("back")), http.StatusSeeOther)
}
