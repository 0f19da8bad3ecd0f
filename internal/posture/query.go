package posture

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// RecommendationQuery selects rows of the Recommendations page.
type RecommendationQuery struct {
	Scope    Scope
	Text     string              // words found in title, description, control
	Severity []content.Severity  // any of
	Control  []string            // control ids, any of
	Type     string              // resource type
	State    []State             // recommendations with at least one such assessment; empty: unhealthy first, all
	Status   []governance.Status // recommendations with at least one such task; empty: all
	Standard string
	Sort     string // "risk" (default), "severity", "title", "gain", "unhealthy", "control"
	Desc     bool
	After    string // opaque cursor of the previous page
	Limit    int    // default 100, at most 1000
}

// RecommendationRow is one recommendation over a scope.
type RecommendationRow struct {
	*Recommendation
	Counts
	Risk              risk.Level // worst among its unhealthy assessments
	Gain              float64    // percent points the score rises if only this is fixed everywhere in scope
	PotentialIncrease float64    // the reference's figure, percent points
	LastChange        time.Time
	// Tasks by status: the first three are the unhealthy ones.
	Unassigned, OnTime, Overdue, Completed int
	FixAvailable                           bool
}

// AssessmentQuery selects rows (resource, recommendation).
type AssessmentQuery struct {
	Scope          Scope
	Recommendation string // id; "" all
	State          []State
	Status         []governance.Status // tasks with any of these; empty: all
	Party          *Party              // nil: whoever has the task
	Severity       []content.Severity
	Control        []string
	Type           string
	Text           string
	Sort           string // "risk" (default), "since", "name", "severity"
	Desc           bool
	After          string
	Limit          int
}

// Page is one page of rows with the cursor of the next, "" at the end. Total
// counts all rows of the query.
type Page[T any] struct {
	Rows  []T
	Total int
	Next  string
}

// InventoryQuery selects resources.
type InventoryQuery struct {
	Scope          Scope
	Type           string
	Text           string
	State          []State // resources with such an assessment
	Recommendation string
	// Finding selects resources by a finding that their reports have: its id, a
	// CVE id, or words of id and title. Disabled asks for findings that a rule
	// disables, else those that count are meant.
	Finding  string
	Disabled bool
	Sort     string // "unhealthy" (default), "name", "type", "seen"
	Desc     bool
	After    string
	Limit    int
}

// ResourceRow is one resource of the inventory list.
type ResourceRow struct {
	Handle     uint32
	ID         string
	Name       string
	Type       string
	Location   string
	Tags       map[string]string
	ObservedAt time.Time
	Source     string
	Stale      bool
	Counts                      // over recommendations of this resource
	Worst      content.Severity // of its unhealthy ones, "" if none
}

// Evidence explains one assessment, recomputed on read.
type Evidence struct {
	Assessment Assessment
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
	SideEffects   []Assessment // other assessments that change with it
	GainPoints    float64
}

// Finding is a sub-assessment: one failed check or vulnerability below an
// assessment.
type Finding struct {
	ID          string // GUID, the same for one Key on all resources
	Key         string // what the report calls it, "ssh-x11-forwarding"
	ResourceID  string
	Title       string
	Severity    content.Severity
	State       State
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
