package web

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// newStandardPage begins a standard: with a title, or from a file.
type newStandardPage struct {
	*frame
	Places []standardPlace
	Root   bool // the whole estate may be chosen
}

// standardPlace is a scope to which a standard can apply.
type standardPlace struct{ ID, Name string }

// editStandardPage is a user's own standard with its controls.
type editStandardPage struct {
	*frame
	*compliance.Standard
	Place string // name of the scope that it applies to
}

// controlPage is one control of a user's own standard, or one to be.
type controlPage struct {
	*frame
	Standard *compliance.Standard
	Control  content.StandardControl
	New      bool
	Serving  []*record.Recommendation // saved ones, by title
	Found    []*record.Recommendation // what the search words find besides
	More     int
	Text     string
	Domains  []string // in use
}

// foundRows bounds what a search for recommendations lists.
const foundRows = 30

func newStandard(v *visit) (page, error) {
	p := &newStandardPage{frame: v.newFrame("New standard"), Root: v.may(actionStandard, "")}
	for _, s := range v.scopes() {
		if v.may(actionStandard, s.ID) {
			p.Places = append(p.Places, standardPlace{s.ID, s.Name})
		}
	}
	if !p.Root && len(p.Places) == 0 {
		return page{}, v.who.Allow(actionStandard, v.scope.ID)
	}
	return page{name: "standardnew", data: p}, nil
}

// createStandard makes a standard without controls, or the one of a file.
func createStandard(v *visit) (string, error) {
	scope := v.PostForm.Get("applies")
	if err := v.who.Allow(actionStandard, scope); err != nil {
		return "", err
	}
	file, err := v.file("file")
	if err != nil {
		return "", err
	}
	std := &content.Standard{Title: strings.TrimSpace(v.PostForm.Get("title")), Version: strings.TrimSpace(v.PostForm.Get("version")),
		Description: strings.TrimSpace(v.PostForm.Get("description"))}
	std.ID = slug(std.Title)
	if file != nil {
		if std, err = content.ReadStandard(clip(file.Name, 80), file.Data, v.server.opt.Compliance.Known(v.view)); err != nil {
			return "", arm.Invalid("%v.", err)
		}
	}
	w := v.complianceWrite()
	w.IfMatch = compliance.Absent
	err = v.server.opt.Compliance.PutStandard(v.Context(), w, v.view, scope, std)
	return v.To("/compliance/"+std.ID+"/edit", "scope", scope), err
}

// slug makes a short name of a title.
func slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String()[:min(b.Len(), 50)], "-")
	if name == "" {
		return "standard"
	}
	return name
}

// ownStandard is the standard that the path names, if it is a user's, the
// reader may change it and, for a form, it is still what the form was made of.
func (v *visit) ownStandard() (*compliance.Standard, error) {
	std, err := v.standard(v.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if std.Kind != compliance.Own {
		return nil, arm.Invalid("%s is not one that can be changed here.", std.Title)
	}
	if etag := v.PostForm.Get("etag"); etag != "" && etag != std.ETag {
		return nil, arm.Conflict(std.Source)
	}
	return std, v.who.Allow(actionStandard, scopeOf(std.Source))
}

func editStandard(v *visit) (page, error) {
	std, err := v.ownStandard()
	if err != nil {
		return page{}, err
	}
	f := v.newFrame("Edit " + std.Title)
	return page{name: "standardedit", data: &editStandardPage{frame: f, Standard: std, Place: f.ScopeName(scopeOf(std.Source))}}, nil
}

// changeStandard writes the texts of a standard, or all of it from a file.
func changeStandard(v *visit) (string, error) {
	std, err := v.ownStandard()
	if err != nil {
		return "", err
	}
	file, err := v.file("file")
	if err != nil {
		return "", err
	}
	edited := *std.Standard
	edited.Title, edited.Version = strings.TrimSpace(v.PostForm.Get("title")), strings.TrimSpace(v.PostForm.Get("version"))
	edited.Description = strings.TrimSpace(v.PostForm.Get("description"))
	if file != nil {
		read, err := content.ReadStandard(clip(file.Name, 80), file.Data, v.server.opt.Compliance.Known(v.view))
		if err != nil {
			return "", arm.Invalid("%v.", err)
		}
		if read.ID != std.ID {
			return "", arm.Invalid("The file is of the standard %q, this one is %q.", clip(read.ID, 60), std.ID)
		}
		edited = *read
	}
	return v.putStandard(std, &edited)
}

// putStandard writes an own standard over the state that the form was made of.
func (v *visit) putStandard(std *compliance.Standard, edited *content.Standard) (string, error) {
	err := v.server.opt.Compliance.PutStandard(v.Context(), v.complianceWrite(), v.view, scopeOf(std.Source), edited)
	return v.To("/compliance/" + std.ID + "/edit"), err
}

func deleteStandard(v *visit) (string, error) {
	std, err := v.ownStandard()
	if err != nil {
		return "", err
	}
	err = v.server.opt.Compliance.DeleteStandard(v.Context(), v.complianceWrite(), std)
	return v.To("/compliance"), err
}

func editControl(v *visit) (page, error) {
	std, err := v.ownStandard()
	if err != nil {
		return page{}, err
	}
	p := &controlPage{Standard: std, New: v.Get("number") == "", Text: strings.TrimSpace(v.Get("q"))}
	if !p.New {
		c := std.Control(v.Get("number"))
		if c == nil {
			return page{}, arm.NotFound(clip(v.Get("number"), 60))
		}
		p.Control = *c
	}
	for _, c := range std.Controls {
		if c.Domain != "" && !slices.Contains(p.Domains, c.Domain) {
			p.Domains = append(p.Domains, c.Domain)
		}
	}
	title := "New control"
	if !p.New {
		title = "Control " + p.Control.Number
	}
	p.frame = v.newFrame(title)
	return page{name: "standardcontrol", data: p}, p.find(v)
}

// find lists what serves the control and, for words, what else there is.
func (p *controlPage) find(v *visit) error {
	for _, id := range p.Control.Recommendations {
		if r := v.view.Recommendation(id); r != nil {
			p.Serving = append(p.Serving, r)
		}
	}
	slices.SortFunc(p.Serving, func(a, b *record.Recommendation) int { return strings.Compare(a.Title, b.Title) })
	if p.Text == "" {
		return nil
	}
	rows, err := v.view.Recommendations(index.RecommendationQuery{Text: p.Text, Sort: "title", Limit: foundRows + len(p.Serving)})
	if err != nil {
		return err
	}
	for _, r := range rows.Rows {
		if !slices.Contains(p.Serving, r.Recommendation) && len(p.Found) < foundRows {
			p.Found = append(p.Found, r.Recommendation)
		}
	}
	p.More = max(0, rows.Total-len(rows.Rows))
	return nil
}

// changeControl adds, changes or removes one control of a standard.
func changeControl(v *visit) (string, error) {
	std, err := v.ownStandard()
	if err != nil {
		return "", err
	}
	form := v.PostForm
	edited := *std.Standard
	edited.Controls = slices.Clone(edited.Controls)
	at := slices.IndexFunc(edited.Controls, func(c content.StandardControl) bool { return c.Number == form.Get("was") })
	if at < 0 && form.Get("was") != "" {
		return "", arm.Conflict(std.Source)
	}
	c := content.StandardControl{Number: strings.TrimSpace(form.Get("number")), Domain: strings.TrimSpace(form.Get("domain")), Title: strings.TrimSpace(form.Get("title")),
		Manual: form.Get("manual") != "", Recommendations: form["recommendation"]}
	switch {
	case form.Get("do") == "remove" && at >= 0:
		edited.Controls = slices.Delete(edited.Controls, at, at+1)
	case at < 0:
		edited.Controls = append(edited.Controls, c)
	default:
		edited.Controls[at] = c
	}
	target, err := v.putStandard(std, &edited)
	switch words := strings.TrimSpace(form.Get("find")); {
	case err != nil || form.Get("do") == "remove":
		return target, err
	case words != "": // the button that saves and searches
		return v.To(fmt.Sprintf("/compliance/%s/control", std.ID), "number", c.Number, "q", words), nil
	}
	return target, nil
}
