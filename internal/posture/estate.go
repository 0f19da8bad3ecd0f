package posture

import (
	"context"
	"time"
)

// Estate is the judged estate of one tenant. Its methods may be called from
// any goroutine.
type Estate struct{}

// Event says that a new View is there.
type Event struct {
	Seq uint64
	At  time.Time
}

// View is the current epoch; cheap.
func (e *Estate) View() *View { return nil }

// Subscribe gives an Event for each new View until ctx ends, when the channel
// is closed. A reader that is slow gets the latest and misses those between.
func (e *Estate) Subscribe(ctx context.Context) <-chan Event { return nil }

// Registered reports whether a subscription (id or name) is registered.
func (e *Estate) Registered(subscription string) bool { return false }

// Register registers a subscription: the Free tier for every plan and the
// built-in initiative's assignment.
func (e *Estate) Register(ctx context.Context, subscription string) error { return nil }

// Evidence explains one assessment, recomputed from the documents now.
func (e *Estate) Evidence(ctx context.Context, resourceID, recommendationID string) (*Evidence, error) {
	return nil, nil
}

// Findings are the sub-assessments below one assessment, failed ones first.
func (e *Estate) Findings(ctx context.Context, resourceID, recommendationID string) ([]Finding, error) {
	return nil, nil
}

// HistoryQuery asks for a score over time.
type HistoryQuery struct {
	Scope    Scope
	From, To time.Time
	Points   int // number of equal steps; 0 means 30
}

// HistoryPoint is a score at one time.
type HistoryPoint struct {
	At        time.Time
	Percent   float64
	Current   float64
	Max       int
	Low, High float64 // percent
}

// History is the score at equal steps between two times.
func (e *Estate) History(ctx context.Context, q HistoryQuery) ([]HistoryPoint, error) {
	return nil, nil
}

// AsOf is the score as it was at a time.
func (e *Estate) AsOf(ctx context.Context, scope Scope, at time.Time) (Score, error) {
	return Score{}, nil
}

// ScoreChange is one assessment that changed, and what it did to the score.
type ScoreChange struct {
	At             time.Time
	Recommendation *Recommendation
	ResourceID     string
	From, To       State
	Cause          string  // "resource changed", "policy changed", "exemption", "became stale", ...
	Delta          float64 // percent points of the scope's score
}

// Why lists the changes between two times that moved the score, latest first.
func (e *Estate) Why(ctx context.Context, scope Scope, from, to time.Time) ([]ScoreChange, error) {
	return nil, nil
}
