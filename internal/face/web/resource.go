package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Bounds of one resource's page.
const (
	resourceAssessments = 200
	resourceExplained   = 40 // unhealthy and unknown ones with evidence
	resourceFindings    = 300
	resourceChildren    = 100
	maxShownDocument    = 256 << 10 // bytes of pretty JSON
)

// resourcePage is one resource: what it is, what is wrong with it, what is
// left until each control gives its points.
type resourcePage struct {
	*frame
	R           index.ResourceRow
	ID          arm.ID
	Parent      string // id of the resource that this document describes
	Score       index.Score
	Controls    []resourceControl
	Open        []evidenceRow
	Good        []record.Assessment
	More        int
	Findings    []findingGroup
	Children    []store.Resource
	MoreKids    int
	Document    string
	Unavailable []missingPath
	Changes     []change
	Tags        []tagPair
	CanExempt   bool
	CanAssign   bool
}

type tagPair struct{ Name, Value string }

// missingPath is something that the resource's source did not deliver.
type missingPath struct{ Path, Reason string }

// resourceControl is what one control still asks of this resource.
type resourceControl struct {
	index.ControlScore
}

// Done is how many of the control's checks are passed here.
func (c resourceControl) Done() int { return c.ChecksOnResource - c.LeftOnResource }

func resource(v *visit) (page, error) {
	id, err := v.one("id")
	if err != nil {
		return page{}, err
	}
	parsed, err := arm.ParseID(id)
	if err != nil {
		return page{}, arm.Invalid("%v.", err)
	}
	if err := v.who.Allow(actionRead, parsed.String()); err != nil {
		return page{}, err
	}
	row, ok := v.view.Resource(id)
	if !ok {
		return page{}, arm.NotFound(clip(id, 200))
	}
	p := &resourcePage{frame: v.newFrame(row.Name, "summary", "open", "controls", "findings", "facts", "good", "document"), R: row, ID: parsed}
	if parsed.IsChild() {
		if parent, ok := parsed.Parent(); ok {
			p.Parent = parent.String()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(row.Tags)) {
		p.Tags = append(p.Tags, tagPair{name, row.Tags[name]})
	}
	p.CanExempt = v.may(actionExempt, row.ID) && v.server.opt.Objects != nil
	p.CanAssign = v.may(ownership.Write, row.ID) && v.server.opt.Owners != nil
	for _, read := range []func(*visit) error{p.readControls, p.readAssessments, p.readDocument, p.readChanges} {
		if err := read(v); err != nil {
			return page{}, err
		}
	}
	return page{name: "resource", data: p}, nil
}

func (p *resourcePage) readControls(v *visit) error {
	scope := index.Scope{ID: p.R.ID}
	p.Score = v.view.Score(scope)
	for _, c := range v.view.Controls(scope) {
		if c.ChecksOnResource > 0 {
			p.Controls = append(p.Controls, resourceControl{c})
		}
	}
	return nil
}

// readAssessments reads every assessment of the resource: those that need work
// with evidence, the others by name.
func (p *resourcePage) readAssessments(v *visit) error {
	rows, err := v.view.Assessments(index.AssessmentQuery{Scope: index.Scope{ID: p.R.ID}, Sort: "risk", Limit: resourceAssessments})
	if err != nil {
		return err
	}
	for _, a := range rows.Rows {
		if !strings.EqualFold(a.ResourceID, p.R.ID) {
			continue // a child's: it has its own page
		}
		if err := p.add(v, a); err != nil {
			return err
		}
	}
	p.More = rows.Total - len(rows.Rows)
	return nil
}

func (p *resourcePage) add(v *visit, a record.Assessment) error {
	if a.Recommendation.Content != nil && a.Recommendation.Content.FindingsOf != "" {
		if err := p.addFindings(v, a.Recommendation); err != nil {
			return err
		}
	}
	if a.State != record.Unhealthy && a.State != record.Unknown {
		p.Good = append(p.Good, a)
		return nil
	}
	row := evidenceRow{Assessment: a}
	if len(p.Open) < resourceExplained {
		var err error
		if row, _, err = v.explain(a); err != nil {
			return err
		}
	}
	p.Open = append(p.Open, row)
	return nil
}

func (p *resourcePage) addFindings(v *visit, r *record.Recommendation) error {
	g, err := v.findings(p.R.ID, r)
	if err == nil && !g.Empty() {
		p.Findings = append(p.Findings, g)
	}
	return err
}

// readDocument reads the stored document and the list of its children.
func (p *resourcePage) readDocument(v *visit) error {
	doc, err := v.estate.Document(v.Context(), p.R.ID)
	if arm.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read document of %s: %w", p.R.ID, err)
	}
	p.Document = prettyDocument(doc.Doc.Body)
	for _, entry := range doc.Doc.Unavailable {
		path, reason, _ := strings.Cut(entry, " ")
		p.Unavailable = append(p.Unavailable, missingPath{path, reason})
	}
	children, err := v.estate.Children(v.Context(), p.R.ID)
	if err != nil {
		return fmt.Errorf("read children of %s: %w", p.R.ID, err)
	}
	p.Children = children[:min(len(children), resourceChildren)]
	p.MoreKids = len(children) - len(p.Children)
	return nil
}

func (p *resourcePage) readChanges(v *visit) error {
	all, err := v.estate.History().Why(v.Context(), index.Scope{ID: p.R.ID}, v.now.AddDate(0, 0, -30), v.now)
	if err != nil {
		return fmt.Errorf("read history of %s: %w", p.R.ID, err)
	}
	p.Changes = groupChanges(all, 20)
	return nil
}

// prettyDocument indents a stored document for reading; one that is too long is
// cut and says so.
func prettyDocument(body json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return "The stored document is not JSON: " + err.Error()
	}
	if b.Len() > maxShownDocument {
		b.Truncate(maxShownDocument)
		return strings.ToValidUTF8(b.String(), "") + "\n… cut here: the document is longer than a page should be."
	}
	return b.String()
}
