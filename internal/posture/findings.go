package posture

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/finding"
	"github.com/rampart-sec/rampart/internal/store"
)

// baselineChild is the id of a machine's baseline below the machine's.
const baselineChild = "/providers/" + baselineType + "/" + baselineName

// Findings are the sub-assessments below one assessment, failed ones first,
// then by severity; those that a rule disables are Exempt and name it. A
// recommendation without findings has none. What of a report cannot be read is
// one finding that is unknown, with the reason; the others are there.
func (e *Estate) Findings(ctx context.Context, resourceID, recommendationID string) ([]Finding, error) {
	v := e.View()
	a, ok := v.Assessment(resourceID, recommendationID)
	if !ok {
		return nil, arm.NotFound(resourceID + "/providers/Microsoft.Security/assessments/" + recommendationID)
	}
	src := newSource(a.Recommendation.Content, e.judge.checks)
	if src == nil {
		return nil, nil
	}
	docs, err := e.reportsOf(ctx, v.rows.at(a.Handle), src)
	if err != nil {
		return nil, fmt.Errorf("read the reports about %s: %w", a.ResourceID, err)
	}
	var all []Finding
	for i := range docs {
		l := &findingLister{e: e, v: v, src: src, doc: &docs[i], resource: a.ResourceID}
		all = append(all, l.list()...)
	}
	slices.SortFunc(all, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(badness[y.State], badness[x.State]),
			cmp.Compare(severityRank(y.Severity), severityRank(x.Severity)), cmp.Compare(x.Title, y.Title), cmp.Compare(x.Key, y.Key))
	})
	return all, nil
}

// reportsOf reads the reports of a source about a resource. The index knows
// which there are, so a resource without any costs nothing.
func (e *Estate) reportsOf(ctx context.Context, r *row, src *source) ([]store.Resource, error) {
	var handles []uint32
	for _, n := range e.reports.about(r.id) {
		handles = append(handles, n.handle)
	}
	var docs []store.Resource
	err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		if len(handles) > 0 {
			docs, err = tx.ResourcesByHandle(ctx, handles)
			return err
		}
		if src.name == "" || e.judge.sources.knows(src) {
			return nil
		}
		one, err := tx.Resource(ctx, e.tenant, r.id+"/providers/"+src.typ+"/"+src.name)
		if isNotFound(err) {
			return nil
		}
		if err == nil {
			docs = append(docs, *one)
		}
		return err
	})
	return slices.DeleteFunc(docs, func(d store.Resource) bool { return !src.holds(&d.Doc) }), err
}

// findingLister makes the findings of one report.
type findingLister struct {
	e        *Estate
	v        *View
	src      *source
	doc      *store.Resource
	resource string
	where    *findingPlace
}

func (l *findingLister) list() []Finding {
	var all []Finding
	reader := l.e.reports.reader(l.src)
	reader.open(l.doc.Doc.Body)
	l.locate()
	reader.each(func(it *reported) {
		if l.src.selects(it.ID) {
			all = append(all, l.finding(it))
		}
	})
	if reader.faults > 0 {
		all = append(all, l.unreadable(reader))
	}
	return all
}

// locate finds out what rules ask of the resource.
func (l *findingLister) locate() {
	id, err := arm.ParseID(l.resource)
	if err != nil || l.v.shape.disabling == nil {
		return
	}
	l.where = l.e.reports.where(&note{parent: l.resource, digest: imageDigest(id, &l.doc.Doc)})
}

func (l *findingLister) finding(it *reported) Finding {
	f := Finding{
		ID: finding.Name(it.ID), Key: strings.Clone(it.ID), ResourceID: l.resource, Title: it.Title, Severity: it.Severity,
		Category: it.Category, CVEs: it.CVEs, CVSS: it.CVSS, Patchable: it.Patchable, Digest: it.Digest,
		Observed: l.doc.Doc.ObservedAt, State: it.state,
	}
	if it.stateText != nil {
		f.tellCheck(it, l.e.judge.checks[it.ID])
	} else {
		f.tellVulnerability(it)
	}
	if f.State == Unhealthy && l.where != nil && l.e.judge.sources.selectable(it.Report, it.ID) {
		if r := l.v.shape.disabling.rule(l.v.names.findings.id(&it.Finding), &it.Finding, l.where); r != nil {
			f.State, f.Disabled = Exempt, &Disabled{RuleID: r.ID, Name: r.Name, Reason: r.Reason, Expires: r.Expires}
		}
	}
	return f
}

// tellCheck takes in what a check found, and what our own content says of it.
func (f *Finding) tellCheck(it *reported, check *content.Check) {
	var r hostCheck
	if err := json.Unmarshal(it.raw, &r); err == nil { // else it has no evidence in a shape that is known
		f.Evidence = r.evidence()
	}
	if check != nil {
		f.Description, f.Remediation = check.Rationale, check.Remediation
	}
}

func (f *Finding) tellVulnerability(it *reported) {
	var s scanned
	if err := json.Unmarshal(it.raw, &s); err == nil { // it was read before
		f.Description, f.Remediation, f.Impact, f.Evidence = s.Description, s.Remediation, s.Impact, s.evidence()
	}
}

// unreadable stands for the results of a report that cannot be read.
func (l *findingLister) unreadable(r *reportReader) Finding {
	const key = "unreadable"
	title := "1 result of the report cannot be read"
	if r.faults > 1 {
		title = fmt.Sprintf("%d results of the report cannot be read", r.faults)
	}
	return Finding{ID: finding.Name(key + " " + l.doc.Doc.ID), Key: key, ResourceID: l.resource, Title: title, State: Unknown,
		Category: "report", Observed: l.doc.Doc.ObservedAt, Evidence: r.fault.Error()}
}

// hostCheck is what an agent says of one check.
type hostCheck struct {
	Evidence struct {
		Path   string `json:"path"`
		Line   int    `json:"line"`
		Found  string `json:"found"`
		Wanted string `json:"wanted"`
		Note   string `json:"note"`
	} `json:"evidence"`
}

// checkState reads the state of a check, with its quotes or without.
func checkState(text []byte) State {
	switch string(bytes.Trim(text, `"`)) {
	case "pass":
		return Healthy
	case "fail":
		return Unhealthy
	case "notApplicable":
		return NotApplicable
	}
	return Unknown
}

// evidence words what a check found.
func (r hostCheck) evidence() string {
	var parts []string
	if r.Evidence.Found != "" {
		parts = append(parts, "found "+r.Evidence.Found)
	}
	if r.Evidence.Wanted != "" {
		parts = append(parts, "wanted "+r.Evidence.Wanted)
	}
	if r.Evidence.Path != "" {
		where := r.Evidence.Path
		if r.Evidence.Line > 0 {
			where += fmt.Sprintf(" line %d", r.Evidence.Line)
		}
		parts = append(parts, where)
	}
	if r.Evidence.Note != "" {
		parts = append(parts, r.Evidence.Note)
	}
	return strings.Join(parts, ", ")
}
