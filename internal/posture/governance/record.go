package governance

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// AssignmentKind is the kind of store objects that hold what people assigned.
const AssignmentKind = "governanceAssignment"

// Limits of one assignment.
const (
	MaxOwner         = 256
	MaxJustification = 2000
	maxAhead         = 10 * 365 * 24 * time.Hour
)

// Record is a stored governance assignment: a person's word on the assessments
// of one recommendation at and below a scope. It reaches those that were open
// when it was assigned; what becomes unhealthy later is a new task.
//
// A Record without AssignedOn assigns nothing: it carries the promise of the
// owner that somebody else's assignment names.
type Record struct {
	ID    string // ARM id
	Owner string
	Due   time.Time
	Grace bool
	// Notify and Additional are kept as they were put.
	Notify, Additional json.RawMessage
	AssignedOn         time.Time
	AssignedBy         string
	Promise
	PromisedOn time.Time // zero: nothing was ever promised; the promise may also be taken back

	scope          arm.ID
	recommendation string // folded
}

// wireRecord is the ARM shape (GovernanceAssignmentProperties) with what the
// server adds to it.
type wireRecord struct {
	Properties struct {
		Owner      string          `json:"owner,omitempty"`
		Due        time.Time       `json:"remediationDueDate,omitzero"`
		ETA        *wireETA        `json:"remediationEta,omitempty"`
		Grace      bool            `json:"isGracePeriod"`
		Notify     json.RawMessage `json:"governanceEmailNotification,omitempty"`
		Additional json.RawMessage `json:"additionalData,omitempty"`
		AssignedOn time.Time       `json:"assignedOn,omitzero"`
		AssignedBy string          `json:"assignedBy,omitempty"`
		PromisedOn time.Time       `json:"etaSetOn,omitzero"`
		PromisedBy string          `json:"etaSetBy,omitempty"`
	} `json:"properties"`
}

type wireETA struct {
	ETA           time.Time `json:"eta"`
	Justification string    `json:"justification"`
}

const (
	assessmentsSegment = "/providers/microsoft.security/assessments/"
	assignmentsSegment = "/governanceassignments/"
)

// RecordID is the id of the assignment with a key.
func RecordID(scope, recommendation, key string) string {
	return strings.TrimSuffix(scope, "/") + "/providers/Microsoft.Security/assessments/" + recommendation + "/governanceAssignments/" + key
}

// SplitRecordID takes apart an id that RecordID made, in any case.
func SplitRecordID(id string) (scope, recommendation, key string, ok bool) {
	folded := arm.Fold(id)
	i := strings.LastIndex(folded, assessmentsSegment)
	if i < 0 {
		return "", "", "", false
	}
	rest := id[i+len(assessmentsSegment):]
	j := strings.Index(arm.Fold(rest), assignmentsSegment)
	if j <= 0 {
		return "", "", "", false
	}
	recommendation, key = rest[:j], rest[j+len(assignmentsSegment):]
	return id[:i], recommendation, key, key != "" && !strings.Contains(key, "/")
}

// Scope is what the record assigns: the assessments at it and below.
func (r *Record) Scope() arm.ID { return r.scope }

// Recommendation is the folded id of the recommendation that it is about.
func (r *Record) Recommendation() string { return r.recommendation }

// Key is the last segment of the id.
func (r *Record) Key() string { return r.ID[strings.LastIndexByte(r.ID, '/')+1:] }

// ParseRecord reads an assignment from its id and its ARM body. It judges the
// form only; Check judges the content. The error is an *arm.Error that a
// client may be shown.
func ParseRecord(id string, body []byte) (*Record, error) {
	scope, recommendation, _, ok := SplitRecordID(id)
	if !ok {
		return nil, arm.Invalid("%q is not the id of a governance assignment", id)
	}
	parsed, err := arm.ParseID("/" + scope)
	if err != nil {
		return nil, arm.Invalid("scope of the assignment: %v", err)
	}
	var w wireRecord
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, arm.Invalid("the assignment is not the JSON that is wanted: %v", err)
	}
	p := w.Properties
	r := &Record{ID: id, Owner: strings.TrimSpace(p.Owner), Due: p.Due, Grace: p.Grace, Notify: p.Notify, Additional: p.Additional,
		AssignedOn: p.AssignedOn, AssignedBy: p.AssignedBy, PromisedOn: p.PromisedOn, scope: parsed, recommendation: arm.Fold(recommendation)}
	r.PromisedBy = p.PromisedBy
	if p.ETA != nil {
		r.ETA, r.Justification = p.ETA.ETA, strings.TrimSpace(p.ETA.Justification)
	}
	return r, nil
}

// Properties are the record's as ParseRecord reads them.
func (r *Record) Properties() map[string]any {
	var w wireRecord
	p := &w.Properties
	p.Owner, p.Due, p.Grace, p.Notify, p.Additional = r.Owner, r.Due, r.Grace, r.Notify, r.Additional
	p.AssignedOn, p.AssignedBy, p.PromisedOn, p.PromisedBy = r.AssignedOn, r.AssignedBy, r.PromisedOn, r.PromisedBy
	if !r.ETA.IsZero() {
		p.ETA = &wireETA{r.ETA, r.Justification}
	}
	var out struct {
		Properties map[string]any `json:"properties"`
	}
	b, err := json.Marshal(w)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return nil // Notify and Additional were valid JSON when they were read
	}
	return out.Properties
}

// CheckOwner refuses what cannot be an owner.
func CheckOwner(owner string) error {
	switch {
	case owner == "":
		return arm.Invalid("An assignment needs an owner: an address or a name.")
	case len(owner) > MaxOwner || strings.ContainsFunc(owner, unicode.IsControl):
		return arm.Invalid("An owner is an address or a name of at most %d characters.", MaxOwner)
	}
	return nil
}

// CheckDue refuses a due date that nobody can meet.
func CheckDue(due, now time.Time) error {
	switch {
	case !due.After(now):
		return arm.Invalid("The due date must be in the future.")
	case due.After(now.Add(maxAhead)):
		return arm.Invalid("The due date is more than ten years ahead.")
	}
	return nil
}

// Check refuses a promise that says nothing. It may be for after the due date:
// that is what a promise is there to say.
func (p Promise) Check(now time.Time) error {
	switch {
	case !p.ETA.After(now):
		return arm.Invalid("The ETA must be in the future.")
	case p.ETA.After(now.Add(maxAhead)):
		return arm.Invalid("The ETA is more than ten years ahead.")
	case p.Justification == "" || len(p.Justification) > MaxJustification:
		return arm.Invalid("An ETA needs a justification of at most %d characters.", MaxJustification)
	}
	return nil
}
