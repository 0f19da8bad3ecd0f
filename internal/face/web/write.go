package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/rampart-sec/rampart/internal/base/arm"
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

// maxTarget bounds an address to go to.
const maxTarget = 4096

// safe keeps a redirect on this site: a path of ours with its query, else "/".
// Browsers read a backslash as a slash and drop control characters, so neither
// may be in it, encoded ones in the path included.
func safe(target string) string {
	u, err := url.Parse(target)
	if err != nil || len(target) > maxTarget || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(target, "/") {
		return "/"
	}
	odd := func(r rune) bool { return r == '\\' || unicode.IsControl(r) }
	if strings.HasPrefix(u.Path, "//") || strings.ContainsFunc(u.Path, odd) || strings.ContainsFunc(target, odd) {
		return "/"
	}
	return target
}
