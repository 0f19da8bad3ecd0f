package judge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// baselineChild is the id of a machine's baseline below the machine's.
const baselineChild = "/providers/" + finding.BaselineType + "/" + finding.BaselineName

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
	src := e.judge.sources.Behind(a.Recommendation.Content)
	if src == nil {
		return nil, nil
	}
	docs, err := e.reportsOf(ctx, v.Row(a.Handle), src)
	if err != nil {
		return nil, fmt.Errorf("read the reports about %s: %w", a.ResourceID, err)
	}
	var all []Finding
	for i := range docs {
		l := &findingLister{e: e, v: v, src: src, doc: &docs[i], resource: a.ResourceID}
		all = append(all, l.list()...)
	}
	slices.SortFunc(all, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(StateRank[y.State], StateRank[x.State]),
			cmp.Compare(record.SeverityRank(y.Severity), record.SeverityRank(x.Severity)), cmp.Compare(x.Title, y.Title), cmp.Compare(x.Key, y.Key))
	})
	return all, nil
}

// reportsOf reads the reports of a source about a resource. The index knows
// which there are, so a resource without any costs nothing.
func (e *Estate) reportsOf(ctx context.Context, r *record.Row, src *finding.Source) ([]store.Resource, error) {
	var handles []uint32
	for _, n := range e.reports.about(r.ID) {
		handles = append(handles, n.handle)
	}
	var docs []store.Resource
	err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		if len(handles) > 0 {
			docs, err = tx.ResourcesByHandle(ctx, handles)
			return err
		}
		if src.Name == "" || e.judge.sources.Know(src) {
			return nil
		}
		one, err := tx.Resource(ctx, e.tenant, r.ID+"/providers/"+src.Type+"/"+src.Name)
		if arm.IsNotFound(err) {
			return nil
		}
		if err == nil {
			docs = append(docs, *one)
		}
		return err
	})
	return slices.DeleteFunc(docs, func(d store.Resource) bool { return !src.Holds(&d.Doc) }), err
}

// findingLister makes the findings of one report.
type findingLister struct {
	e        *Estate
	v        *index.View
	src      *finding.Source
	doc      *store.Resource
	resource string
	where    *finding.Place
}

func (l *findingLister) list() []Finding {
	var all []Finding
	report := l.src.Open(l.doc.Doc.Body)
	l.locate(report)
	report.Each(func(it *finding.Result) {
		if l.src.Selects(it.ID) {
			all = append(all, l.finding(it, report.Words(it)))
		}
	})
	if n, err := report.Faults(); n > 0 {
		all = append(all, l.unreadable(n, err))
	}
	return all
}

// locate finds out what rules ask of the resource.
func (l *findingLister) locate(report *finding.Report) {
	id, err := arm.ParseID(l.resource)
	if err != nil || l.v.Schema().DisableRules == nil {
		return
	}
	l.where = l.e.reports.where(&reportNote{parent: l.resource, digest: report.Image(id)})
}

func (l *findingLister) finding(it *finding.Result, w finding.Words) Finding {
	f := Finding{
		ID: finding.Name(it.ID), Key: strings.Clone(it.ID), ResourceID: l.resource, Title: it.Title, Severity: it.Severity,
		Category: it.Category, CVEs: it.CVEs, CVSS: it.CVSS, Patchable: it.Patchable, Digest: it.Digest,
		Observed: l.doc.Doc.ObservedAt, State: outcomeState(it.Outcome),
		Description: w.Description, Remediation: w.Remediation, Impact: w.Impact, Evidence: w.Evidence,
	}
	if f.State == record.Unhealthy && l.where != nil && l.e.judge.sources.Selectable(it.Report, it.ID) {
		if r := l.v.Schema().DisableRules.Rule(l.v.Names().Findings.Number(&it.Finding), &it.Finding, l.where); r != nil {
			f.State, f.Disabled = record.Exempt, &Disabled{RuleID: r.ID, Name: r.Name, Reason: r.Reason, Expires: r.Expires}
		}
	}
	return f
}

// outcomeState is the state of a finding that a report says something of.
func outcomeState(o finding.Outcome) record.State {
	switch o {
	case finding.Pass:
		return record.Healthy
	case finding.Fail:
		return record.Unhealthy
	case finding.NotApplicable:
		return record.NotApplicable
	}
	return record.Unknown
}

// unreadable stands for the results of a report that cannot be read.
func (l *findingLister) unreadable(n int, first error) Finding {
	const key = "unreadable"
	title := "1 result of the report cannot be read"
	if n > 1 {
		title = fmt.Sprintf("%d results of the report cannot be read", n)
	}
	return Finding{ID: finding.Name(key + " " + l.doc.Doc.ID), Key: key, ResourceID: l.resource, Title: title, State: record.Unknown,
		Category: "report", Observed: l.doc.Doc.ObservedAt, Evidence: first.Error()}
}

// Finding is a sub-assessment: one failed check or vulnerability below an
// assessment.
type Finding struct {
	ID          string // GUID, the same for one Key on all resources
	Key         string // what the report calls it, "ssh-x11-forwarding"
	ResourceID  string
	Title       string
	Severity    content.Severity
	State       record.State
	Category    string
	Description string
	Remediation string
	Impact      string
	Evidence    string // "PermitRootLogin yes, /etc/ssh/sshd_config line 34; wanted no"
	Observed    time.Time
	CVEs        []string
	CVSS        float64 // base score; 0: none
	Patchable   *bool   // nil: not said
	Digest      string  // of an image, where the report is about several
	Disabled    *Disabled
}

// Disabled says which rule disables a finding, and why.
type Disabled struct {
	RuleID, Name, Reason string
	Expires              time.Time // zero: never
}
