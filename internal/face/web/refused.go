package web

import (
	"net/http"
	"net/url"
)

// written is a text that somebody wrote into a form.
type written struct{ Field, Text string }

// writtenFields are the fields that people write text into, by name, and what
// the forms call them.
var writtenFields = [][2]string{
	{"name", "Name"}, {"title", "Title"}, {"version", "Version"}, {"number", "Number"}, {"domain", "Domain"}, {"description", "What it is for"},
	{"owner", "Owner"}, {"reason", "Reason"}, {"comment", "Comment"}, {"justification", "Justification"}, {"ticket", "Ticket"},
	{"location", "Locations"}, {"priority", "Priority"}, {"due", "Due on"}, {"eta", "ETA"}, {"expires", "Ends on"},
}

// keep makes the page of a refused form give back what was written, as the
// form itself opens empty, and lead back to it.
func (p *errorPage) keep(r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	if p.Heading == headings[http.StatusBadRequest] {
		p.Heading, p.Title = "This was not saved", "Not saved"
	}
	if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host && from.Path != "" {
		p.Back = safe(from.RequestURI())
	}
	for _, f := range writtenFields {
		if text := r.PostForm.Get(f[0]); text != "" {
			p.Written = append(p.Written, written{f[1], text})
		}
	}
}
