package posture

import (
	"time"
)

// View is one immutable epoch of an estate. Any goroutine may read it for as
// long as it likes.
type View struct{}

// Seq is the epoch's number; it only grows.
func (v *View) Seq() uint64 { return 0 }

// At is when the epoch was made.
func (v *View) At() time.Time { return time.Time{} }

// Resources is the number of resources, children included.
func (v *View) Resources() int { return 0 }

// SubscriptionScore is the score of one subscription.
type SubscriptionScore struct {
	ID, Name string // ARM id and display name
	Score    Score
}

// Subscriptions are all known subscriptions by name.
func (v *View) Subscriptions() []SubscriptionScore { return nil }

// Score is the secure score of a scope.
func (v *View) Score(scope Scope) Score { return Score{} }

// Controls are the shares of a scope's score, by points, then title. Controls
// with nothing to assess are listed with zero counts.
func (v *View) Controls(scope Scope) []ControlScore { return nil }

// Recommendation is the recommendation with an id (GUID, any case), or nil.
func (v *View) Recommendation(id string) *Recommendation { return nil }

// AllRecommendations are all known ones, by Index.
func (v *View) AllRecommendations() []*Recommendation { return nil }

// Recommendations is a page of the recommendations of a scope. A bad sort or
// cursor is an *arm.Error.
func (v *View) Recommendations(q RecommendationQuery) (Page[RecommendationRow], error) {
	return Page[RecommendationRow]{}, nil
}

// Assessments is a page of assessments.
func (v *View) Assessments(q AssessmentQuery) (Page[Assessment], error) {
	return Page[Assessment]{}, nil
}

// Assessment is what one recommendation says of one resource; ok is false when
// it does not apply or one of the two is not known.
func (v *View) Assessment(resourceID, recommendationID string) (Assessment, bool) {
	return Assessment{}, false
}

// Inventory is a page of resources.
func (v *View) Inventory(q InventoryQuery) (Page[ResourceRow], error) {
	return Page[ResourceRow]{}, nil
}

// Resource is one resource, by id.
func (v *View) Resource(id string) (ResourceRow, bool) { return ResourceRow{}, false }

// TypeCount is a resource type with the number of its resources.
type TypeCount struct {
	Type string
	N    int
}

// Types are the resource types present, by name.
func (v *View) Types() []TypeCount { return nil }

// TagNames are the tag names in use, sorted.
func (v *View) TagNames() []string { return nil }

// Locations are the locations in use, sorted.
func (v *View) Locations() []string { return nil }
