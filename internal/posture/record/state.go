package record

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// State of an assessment: what one recommendation says of one resource.
type State uint8

// The states. NotApplicable is the zero value: no row is kept for it.
const (
	NotApplicable State = iota
	Healthy
	Unhealthy
	Unknown // a path or related resource that the verdict depends on was not delivered
	Exempt
)

// String is the state's name in JSON and URLs: "healthy", "unhealthy", ...
func (s State) String() string {
	return [...]string{"notApplicable", "healthy", "unhealthy", "unknown", "exempt"}[s]
}

// Counts are numbers of resources by state. Stale ones are counted in their
// state as well.
type Counts struct {
	Healthy, Unhealthy, Unknown, NotApplicable, Exempt, Stale int
}

// Assessment is what one recommendation says of one resource, named by
// (resource, recommendation) across scans and versions.
type Assessment struct {
	Handle         uint32
	ResourceID     string
	ResourceName   string
	ResourceType   string
	Recommendation *Recommendation
	State          State
	// Reason is a sentence for states that need one: the unavailable path, the
	// exemption's name, "policy disabled".
	Reason      string
	FirstSeen   time.Time
	Since       time.Time // when the state last changed
	ObservedAt  time.Time // the document's
	Stale       bool
	Pending     bool // from before a policy edit whose documents are being read
	Risk        risk.Level
	RiskFactors []string // in words
	// Status is how far the task of making it healthy is; Assigned says whose it
	// is or was. Gone marks an owner who cannot sign in any more, Completed is
	// when it was done.
	Status    governance.Status
	Assigned  governance.Assignment
	Gone      bool
	Completed time.Time
}

// Recommendation is a recommendation as the estate knows it: built-in content
// or a user's own policy. Content is nil for the latter.
type Recommendation struct {
	ID           string // GUID
	Index        int    // dense, stable within one View
	Title        string
	Description  string
	Severity     content.Severity
	Control      *content.Control // nil for custom ones
	Counted      bool             // counts in the score
	Preview      bool
	Disabled     bool // effect Disabled by parameter
	Content      *content.Recommendation
	DefinitionID string
	Types        []string
}

// HasWords reports whether every word (lower case) is in the title, the
// description or the control's title.
func (r *Recommendation) HasWords(words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := r.Title + "\n" + r.Description
	if r.Control != nil {
		text += "\n" + r.Control.Title
	}
	return HasAll(text, words)
}

// Add counts one assessment in a state.
func (c *Counts) Add(s State) {
	switch s {
	case Healthy:
		c.Healthy++
	case Unhealthy:
		c.Unhealthy++
	case Unknown:
		c.Unknown++
	case Exempt:
		c.Exempt++
	case NotApplicable:
		c.NotApplicable++
	}
}
