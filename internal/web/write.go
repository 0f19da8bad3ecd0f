package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rampart-sec/rampart/internal/arm"
)

// act carries out a form and gives the address to go to.
type act func(*visit) (string, error)

// write serves a form: signed in, same origin, a token of this session.
func (s *Server) write(do act) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.newVisit(r)
		if err == nil {
			err = s.checkForm(r)
		}
		if err == nil && s.opt.Objects == nil {
			err = arm.Invalid("Nothing can be changed here.")
		}
		var target string
		if err == nil {
			target, err = do(v)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		http.Redirect(w, r, safe(target), http.StatusSeeOther)
	}
}

// ask serves a form that only asks: its answer is a page, and nothing is stored.
func (s *Server) ask(load show) http.HandlerFunc {
	return s.page(func(v *visit) (page, error) {
		if err := s.checkForm(v.Request); err != nil {
			return page{}, err
		}
		return load(v)
	})
}

// safe keeps a redirect on this site.
func safe(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/\\") {
		return "/"
	}
	return target
}
