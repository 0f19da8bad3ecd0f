package governance

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Subject is a task: an assessment that is unhealthy, or was until it was done.
type Subject struct {
	Resource       arm.ID
	Above          []arm.ID // management groups above the resource's subscription
	Recommendation string   // id
	Severity       content.Severity
	Since          time.Time // when it became unhealthy
	Done           time.Time // when it became healthy; zero: it is open
	// Tag looks a tag up on the resource, its group, then its subscription.
	Tag func(name string) string
}

// within reports whether the subject lies in a scope.
func (s *Subject) within(scope arm.ID) bool {
	if scope.Type() != arm.TypeManagementGroup {
		return s.Resource.Within(scope)
	}
	for _, group := range s.Above {
		if group.Equal(scope) {
			return true
		}
	}
	return false
}

// Assignment says who should fix an assessment by when. The zero Assignment is
// none.
type Assignment struct {
	// ID is the ARM id of the rule or of the stored assignment that it comes
	// from.
	ID    string
	Rule  string // display name of the rule; "" when a person assigned it
	By    string // the person who assigned it; "" for a rule
	Owner string // "" unassigned
	Due   time.Time
	Grace bool
	Made  time.Time // when it was assigned
	Promise
}

// Promise is when the owner expects to be done. The due date does not move with
// it.
type Promise struct {
	ETA           time.Time // zero: none
	Justification string
	PromisedBy    string
}

// Late reports whether the promise is for after the due date.
func (a Assignment) Late() bool { return a.ETA.After(a.Due) && !a.Due.IsZero() }

// Assigned reports whether there is an assignment, with an owner or without.
func (a Assignment) Assigned() bool { return !a.Due.IsZero() }

// OutOfScore reports whether the assessment is in its grace period at a time:
// it leaves the score until it is overdue.
func (a Assignment) OutOfScore(at time.Time) bool { return a.Grace && at.Before(a.Due) }

// Overdue reports whether the due date has passed.
func (a Assignment) Overdue(at time.Time) bool { return !a.Due.IsZero() && !at.Before(a.Due) }

// Status is how far a task is.
type Status uint8

// The statuses. NoTask is the zero value: there is nothing to do, and nothing
// was assigned before there was not.
const (
	NoTask Status = iota
	Unassigned
	OnTime
	Overdue
	Completed
)

// Statuses are those of tasks, what needs somebody first.
var Statuses = []Status{Unassigned, Overdue, OnTime, Completed}

// String is the status's name in JSON and URLs.
func (s Status) String() string {
	return [...]string{"", "unassigned", "onTime", "overdue", "completed"}[s]
}

// ParseStatus reads a status's name; ok is false for any other text.
func ParseStatus(text string) (s Status, ok bool) {
	for _, s := range Statuses {
		if s.String() == text {
			return s, true
		}
	}
	return NoTask, false
}
