package planning

import (
	"context"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Explain explains one assessment, recomputed from the documents now; the
// error is arm.NotFound if there is no such assessment.
func Explain(ctx context.Context, e *judge.Estate, resourceID, recommendationID string) (*Evidence, error) {
	x, err := newExplainer(ctx, e, resourceID, recommendationID)
	if err != nil {
		return nil, err
	}
	out := &Evidence{Assessment: x.assessment}
	decided, ok := x.decide(x.docs, x.subject)
	if ok {
		out.Found = lines(decided, x.subject, x.assessment.State == record.Unhealthy)
		for i := range out.Found {
			x.hostEvidence(&out.Found[i])
		}
		out.Found = slices.Compact(out.Found) // one check may be read by two conditions
	}
	if x.assessment.State == record.Unhealthy {
		out.Fix = x.fix()
	}
	return out, nil
}

// ExplainState explains the policy state behind an assessment that one member of
// an assignment gives.
func ExplainState(ctx context.Context, e *judge.Estate, a *record.Assessment, m *judge.AssignedMember) (*Evidence, error) {
	x, err := newExplainer(ctx, e, a.ResourceID, a.Recommendation.ID)
	if err != nil {
		return nil, err
	}
	x.only = m
	out := &Evidence{Assessment: x.assessment}
	if decided, ok := x.decide(x.docs, x.subject); ok {
		out.Found = lines(decided, x.subject, decided.State == policy.NonCompliant)
		for i := range out.Found {
			x.hostEvidence(&out.Found[i])
		}
		out.Found = slices.Compact(out.Found)
	}
	return out, nil
}

// explainer explains one assessment with the plain evaluator.
type explainer struct {
	e          *judge.Estate
	v          *index.View
	row        *record.Row
	slot       uint16
	assessment record.Assessment
	doc        *store.Resource
	subject    *policy.Resource
	docs       *documents
	members    []engine.Member       // of the row, this recommendation's first
	slots      []uint16              // of members
	only       *judge.AssignedMember // whose state is explained; nil: the worst
}

func newExplainer(ctx context.Context, e *judge.Estate, resourceID, recommendationID string) (*explainer, error) {
	v := e.View()
	a, ok := v.Assessment(resourceID, recommendationID)
	if !ok {
		return nil, arm.NotFound(resourceID + "/providers/Microsoft.Security/assessments/" + recommendationID)
	}
	x := &explainer{e: e, v: v, row: v.Row(a.Handle), assessment: a, docs: &documents{ctx: ctx, e: e, v: v}}
	x.slot, _ = v.Schema().Slot(recommendationID)
	var err error
	if x.doc, err = e.Document(ctx, a.ResourceID); err != nil {
		return nil, err
	}
	if x.subject, err = policy.NewResource(*e.Judged(&x.doc.Doc, v)); err != nil {
		return nil, err
	}
	x.members, x.slots = e.Members(a.Handle)
	return x, nil
}

// decide evaluates the recommendation's members on a document and returns the
// worst verdict; ok is false if none applies.
func (x *explainer) decide(docs *documents, r *policy.Resource) (worst policy.Verdict, ok bool) {
	for i := range x.members {
		m := &x.members[i]
		if x.slots[i] != x.slot || x.only != nil && !x.only.Is(m) {
			continue
		}
		v := x.e.Evaluator(docs).Evaluate(m.Bound, r, policy.Environment{Assigned: policy.Assigned{
			AssignmentID: m.Assignment, DefinitionID: m.DefinitionID, SetDefinitionID: m.Initiative, ReferenceID: m.ReferenceID}})
		if v.State != policy.NotApplicable && (!ok || judge.StateRank[stateOf(v.State)] > judge.StateRank[stateOf(worst.State)]) {
			worst, ok = v, true
		}
	}
	return worst, ok
}

func stateOf(s policy.State) record.State {
	switch s {
	case policy.Compliant:
		return record.Healthy
	case policy.NonCompliant:
		return record.Unhealthy
	case policy.NotApplicable:
		return record.NotApplicable
	}
	return record.Unknown
}

// lines words what decided a verdict: of the rule itself, then of the related
// resources that were looked at. What is particular to the resource comes
// first, its type last.
func lines(v policy.Verdict, r *policy.Resource, unhealthy bool) []EvidenceLine {
	var all []EvidenceLine
	for _, rel := range v.Related {
		for _, t := range []*policy.Trace{rel.Existence, rel.Applicable} {
			if t != nil {
				all = append(all, linesOf(t, rel.ID, unhealthy)...)
			}
		}
	}
	if v.If != nil && len(all) == 0 {
		all = linesOf(v.If, r.ID.String(), unhealthy && len(v.Related) == 0)
	}
	if len(v.Related) == 0 && isExistence(v.Effect) && v.State == policy.NonCompliant {
		all = []EvidenceLine{{ResourceID: r.ID.String(), Missing: true, Wanted: "a related resource", Note: v.Reason}}
	}
	slices.SortStableFunc(all, func(a, b EvidenceLine) int { return typeLast(a) - typeLast(b) })
	return all
}

func isExistence(effect string) bool {
	return effect == "auditifnotexists" || effect == "deployifnotexists"
}

func typeLast(l EvidenceLine) int {
	if l.Path == "type" {
		return 1
	}
	return 0
}

func linesOf(t *policy.Trace, resource string, flip bool) []EvidenceLine {
	var all []EvidenceLine
	for _, leaf := range t.Deciding() {
		line := EvidenceLine{
			ResourceID: resource, Path: leaf.Property, Alias: leaf.Subject, Operator: leaf.Operator,
			Note: leaf.Note, Wanted: wanted(leaf, flip),
		}
		if line.Path == "" {
			line.Path = leaf.Subject
		}
		if leaf.Found.IsNothing() || leaf.Found.Kind == policy.Unavailable {
			line.Missing = true
		} else {
			line.Found = leaf.Found.String()
		}
		all = append(all, line)
	}
	return all
}

// wanted says what a property would have to be for a leaf to come out the other
// way (change), or what it is required to be and is.
func wanted(t *policy.Trace, flip bool) string {
	if t.Result != policy.True && t.Result != policy.False {
		return "a value that was delivered"
	}
	holds := (t.Result == policy.True) != flip
	value := t.Wanted.String()
	if t.Operator == "exists" {
		if (t.Wanted.Text() == "True" || t.Wanted.Text() == "true") == holds {
			return "a value"
		}
		return "no value"
	}
	if t.Wanted.Kind == policy.String && t.Wanted.Str == "" && (t.Operator == "equals" || t.Operator == "notEquals") {
		if (t.Operator == "equals") == holds { // the empty text stands for nothing
			return "no value"
		}
		return "a value"
	}
	phrase, ok := phrases[t.Operator]
	if !ok {
		return t.Operator + " " + value
	}
	if holds {
		return phrase[0] + value
	}
	return phrase[1] + value
}

// phrases are what a value must be for an operator to hold, and not to hold.
var phrases = map[string][2]string{
	"equals": {"", "anything but "}, "notEquals": {"anything but ", ""},
	"in": {"one of ", "none of "}, "notIn": {"none of ", "one of "},
	"like": {"like ", "not like "}, "notLike": {"not like ", "like "},
	"match": {"matching ", "not matching "}, "notMatch": {"not matching ", "matching "},
	"matchInsensitively":    {"matching ", "not matching "},
	"notMatchInsensitively": {"not matching ", "matching "},
	"contains":              {"containing ", "without "}, "notContains": {"without ", "containing "},
	"containsKey": {"with key ", "without key "}, "notContainsKey": {"without key ", "with key "},
	"less": {"below ", "at least "}, "lessOrEquals": {"at most ", "above "},
	"greater": {"above ", "at most "}, "greaterOrEquals": {"at least ", "below "},
}

// Evidence explains one assessment, recomputed on read.
type Evidence struct {
	Assessment record.Assessment
	// Found are the conditions that decided, most specific first.
	Found []EvidenceLine
	Fix   *Fix // nil when the content has none or it did not prove itself
}

// EvidenceLine is one deciding condition.
type EvidenceLine struct {
	ResourceID string // the resource or the related one
	Path       string // path in the document, "properties.supportsHttpsTrafficOnly"
	File       string // for a host check instead of Path: "/etc/ssh/sshd_config line 34"
	Alias      string
	Operator   string
	Found      string // value as JSON, "" with Missing
	Missing    bool
	Wanted     string // value as JSON or a phrase
	Note       string // what else explains it
}

// Fix is a remediation that was tried on a copy of the resource and made the
// assessment healthy.
type Fix struct {
	Before, After string // pretty JSON of the changed part
	Patch         string // JSON patch
	Az            string
	Terraform     string
	Shell         string
	SideEffects   []record.Assessment // other assessments that change with it
	GainPoints    float64
}
