package index

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// RecommendationQuery selects rows of the Recommendations page.
type RecommendationQuery struct {
	Scope    Scope
	Text     string              // words found in title, description, control
	Severity []content.Severity  // any of
	Control  []string            // control ids, any of
	Type     string              // resource type
	State    []record.State      // recommendations with at least one such assessment; empty: unhealthy first, all
	Status   []governance.Status // recommendations with at least one such task; empty: all
	Standard string
	Sort     string // "risk" (default), "severity", "title", "gain", "unhealthy", "control"
	Desc     bool
	After    string // opaque cursor of the previous page
	Limit    int    // default 100, at most 1000
}

// RecommendationRow is one recommendation over a scope.
type RecommendationRow struct {
	*record.Recommendation
	record.Counts
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
	State          []record.State
	Status         []governance.Status // tasks with any of these; empty: all
	Owner          *Owner              // nil: whoever has the task
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
	State          []record.State // resources with such an assessment
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
	Handle        uint32
	ID            string
	Name          string
	Type          string
	Location      string
	Tags          map[string]string
	ObservedAt    time.Time
	Source        string
	Stale         bool
	record.Counts                  // over recommendations of this resource
	Worst         content.Severity // of its unhealthy ones, "" if none
}
