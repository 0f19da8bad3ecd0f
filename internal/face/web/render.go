package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

//go:embed templates
var templateFiles embed.FS

// templates are the pages by file name, each with the shared parts.
type templates map[string]*template.Template

// functions are what templates may call beside the methods of their page.
var functions = template.FuncMap{
	"icon": icon, "num": number, "count": count, "percent": percent, "points": points, "signed": signed,
	"severity": severityMark, "risk": riskMark, "state": stateMark, "stateBar": stateBar, "shareBar": shareBar, "pointsBar": pointsBar,
	"typeName": typeName, "typePlural": typePlural, "name": resourceName, "place": place, "effort": effortWord, "clip": clip,
	"lower": strings.ToLower, "join": strings.Join, "list": func(items ...any) []any { return items },
	"assessed": assessed, "diff": diff, "firstTags": firstTags, "disabled": disabledMark, "controlMark": controlMark, "dark": dark, "bytes": byteSize,
}

func parseTemplates() (templates, error) {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	shared, err := template.New("").Funcs(functions).ParseFS(templateFiles, "templates/shared/*.html")
	if err != nil {
		return nil, err
	}
	t := templates{}
	for _, name := range names {
		clone, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if t[path.Base(name)], err = clone.ParseFS(templateFiles, name); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// page is what a show function returns: a page struct and its template's name
// without extension.
type page struct {
	name   string
	data   any
	status int // 0 means 200
}

// show reads what a page shows.
type show func(*visit) (page, error)

// page serves a page; anything that goes wrong becomes the error page.
func (s *Server) page(load show) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.newVisit(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		p, err := load(v)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.render(w, r, p)
	}
}

// render writes a whole page or, when its template fails, none of it.
func (s *Server) render(w http.ResponseWriter, r *http.Request, p page) {
	var b bytes.Buffer
	if err := s.pages[p.name+".html"].ExecuteTemplate(&b, "layout", p.data); err != nil {
		s.opt.Log.Error("render page", "page", p.name, "error", err)
		http.Error(w, "This page could not be drawn; the server's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	if r.Method != http.MethodHead {
		_, _ = b.WriteTo(w) // a client that went away is no error of ours
	}
}

// errLoading says that the posture index is still being built.
var errLoading = errors.New("the estate is being read")

// errorPage says what went wrong and what to do.
type errorPage struct {
	*frame
	Heading, Message string
	Detail           string
	Back             string    // the form's page, after a form; "" is not known
	Written          []written // in the form, so that it is not lost
}

// fail shows an error: a sign-in page for strangers, the message of an
// *arm.Error, and for anything else a number that finds the cause in the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var known *arm.Error
	var other elsewhere
	switch {
	case errors.As(err, &other):
		http.Redirect(w, r, safe(string(other)), http.StatusSeeOther)
	case errors.Is(err, errLoading):
		f := s.bareFrame(r, "Reading the estate")
		f.Refresh = 2
		w.Header().Set("Retry-After", "2")
		s.render(w, r, page{"error", &errorPage{frame: f, Heading: "Reading the estate",
			Message: "The posture index is being built from the store. This page opens by itself when it is ready."}, http.StatusServiceUnavailable})
	case errors.As(err, &known) && known.Status == http.StatusUnauthorized:
		s.askSignIn(w, r, "")
	case errors.As(err, &known) && s.refill(w, r, known):
	case errors.As(err, &known):
		p := &errorPage{frame: s.bareFrame(r, headings[known.Status]), Heading: headings[known.Status], Message: known.Message, Detail: known.Code}
		p.keep(r)
		s.render(w, r, page{"error", p, known.Status})
	default:
		s.opt.Log.Error("show page", slog.String("path", r.URL.Path), slog.Any("error", err))
		s.render(w, r, page{"error", &errorPage{frame: s.bareFrame(r, headings[500]), Heading: headings[500],
			Message: "Something went wrong on this side. It was written to the server's log.",
			Detail:  fmt.Sprintf("at %s", s.opt.Now().UTC().Format("15:04:05 UTC"))}, http.StatusInternalServerError})
	}
}

// headings are plain words for the statuses that pages answer with.
var headings = map[int]string{
	http.StatusBadRequest:            "This address cannot be used",
	http.StatusForbidden:             "Your roles do not allow this",
	http.StatusNotFound:              "There is nothing here",
	http.StatusPreconditionFailed:    "Somebody else changed it first",
	http.StatusConflict:              "This is in use",
	http.StatusRequestEntityTooLarge: "This is too large",
	http.StatusTooManyRequests:       "Too many attempts",
	http.StatusInternalServerError:   "This did not work",
}

// bareFrame is a frame for pages without an estate: sign-in and errors.
func (s *Server) bareFrame(r *http.Request, title string) *frame {
	if title == "" {
		title = "Error"
	}
	f := &frame{Title: title, Version: s.opt.Version, Style: s.assets.names["rampart.css"], Theme: theme(r)}
	f.clock = clock{now: s.opt.Now(), zone: zone(r)}
	f.Home = "/"
	if tenant, ok := r.Context().Value(tenantKey{}).(string); ok && tenant == Sample {
		f.base, f.Home = "/t/"+Sample, "/t/"+Sample+"/"
	}
	return f
}

// missing answers for every path that is no page.
func missing(v *visit) (page, error) {
	return page{}, &arm.Error{Status: http.StatusNotFound, Code: "PageNotFound", Message: "No page has this address."}
}
