package web

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// refill answers a refused form with the page that it stands on, its fields as
// they were written and the reason above them. It is one mechanism for all
// forms: the page is made as if it were opened again, and the form is found in
// it by its address and hidden fields. false means that nothing was sent: the
// page cannot be told, or does not hold the form any more. What somebody else
// changed meanwhile is not covered with old text: that has to be looked at first.
func (s *Server) refill(w http.ResponseWriter, r *http.Request, why *arm.Error) bool {
	if why.Status == http.StatusPreconditionFailed || why.Status == http.StatusRequestEntityTooLarge || why.Code == badToken {
		return false
	}
	from, err := url.Parse(r.Referer())
	if r.Method != http.MethodPost || err != nil || from.Host != r.Host || from.Path == "" || r.PostForm == nil || s.handler == nil {
		return false
	}
	again := r.Clone(withoutTenant(r.Context()))
	again.Method, again.Body, again.ContentLength, again.URL = http.MethodGet, http.NoBody, 0, &url.URL{Path: from.Path, RawQuery: from.RawQuery}
	again.RequestURI = again.URL.RequestURI()
	again.Form, again.PostForm, again.MultipartForm, again.Pattern = nil, nil, nil, ""
	again.Header.Del("Content-Type")
	got := &kept{header: http.Header{}, status: http.StatusOK}
	s.handler.ServeHTTP(got, again)
	if got.status != http.StatusOK {
		return false
	}
	doc, err := html.Parse(&got.body)
	if err != nil {
		return false
	}
	form := formOf(doc, r)
	if form == nil {
		return false
	}
	fill(form, r.PostForm)
	explain(form, why.Message)
	var b bytes.Buffer
	if html.Render(&b, doc) != nil {
		return false
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(why.Status)
	_, _ = b.WriteTo(w) // a client that went away is no error of ours
	return true
}

// kept is an answer that nobody gets: it is worked on first.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) { k.status = status }

func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

// formOf is the form of a page that a request was sent by: it posts to the same
// address, and most of its hidden fields are as sent.
func formOf(doc *html.Node, r *http.Request) (best *html.Node) {
	sent, err := url.Parse(r.RequestURI)
	if err != nil {
		return nil
	}
	most := -1
	for n := range doc.Descendants() {
		if n.DataAtom != atom.Form || !strings.EqualFold(attr(n, "method"), "post") {
			continue
		}
		action, err := url.Parse(attr(n, "action"))
		if err != nil || action.Path != sent.Path {
			continue
		}
		same := 0
		for f := range n.Descendants() {
			if f.DataAtom == atom.Input && attr(f, "type") == "hidden" && slices.Contains(r.PostForm[attr(f, "name")], attr(f, "value")) {
				same++
			}
		}
		if same > most {
			best, most = n, same
		}
	}
	return best
}

// fill writes into the fields of a form what was sent. What people cannot see or
// must choose anew stays: hidden fields, files and passwords.
func fill(form *html.Node, sent url.Values) {
	for n := range form.Descendants() {
		name := attr(n, "name")
		values := sent[name]
		switch {
		case name == "":
		case n.DataAtom == atom.Textarea && len(values) > 0:
			for n.FirstChild != nil {
				n.RemoveChild(n.FirstChild)
			}
			n.AppendChild(&html.Node{Type: html.TextNode, Data: values[0]})
		case n.DataAtom == atom.Select:
			for o := range n.Descendants() {
				if o.DataAtom == atom.Option && len(values) > 0 {
					setFlag(o, "selected", slices.Contains(values, optionValue(o)))
				}
			}
		case n.DataAtom == atom.Input:
			fillInput(n, values)
		}
	}
}

func fillInput(n *html.Node, values []string) {
	switch attr(n, "type") {
	case "hidden", "file", "password", "submit":
	case "checkbox", "radio":
		setFlag(n, "checked", slices.Contains(values, attr(n, "value")))
	default:
		if len(values) > 0 {
			setAttr(n, "value", values[0])
		}
	}
}

// optionValue is what an option sends.
func optionValue(o *html.Node) string {
	for _, a := range o.Attr {
		if a.Key == "value" {
			return a.Val
		}
	}
	text := ""
	for n := range o.Descendants() {
		if n.Type == html.TextNode {
			text += n.Data
		}
	}
	return strings.Join(strings.Fields(text), " ")
}

// explain puts the reason at the head of a form and opens what it is folded in.
func explain(form *html.Node, reason string) {
	note := &html.Node{Type: html.ElementNode, Data: "p", DataAtom: atom.P, Attr: []html.Attribute{{Key: "class", Val: "notice bad wrap"}, {Key: "role", Val: "alert"}, {Key: "id", Val: "refused"}}}
	note.AppendChild(&html.Node{Type: html.TextNode, Data: "This was not saved. " + reason})
	form.InsertBefore(note, form.FirstChild)
	for n := range form.Ancestors() {
		if n.DataAtom == atom.Details {
			setFlag(n, "open", true)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func setAttr(n *html.Node, key, value string) {
	setFlag(n, key, false)
	n.Attr = append(n.Attr, html.Attribute{Key: key, Val: value})
}

// setFlag sets an attribute without a value, or takes it away.
func setFlag(n *html.Node, key string, on bool) {
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
	if on {
		n.Attr = append(n.Attr, html.Attribute{Key: key})
	}
}
