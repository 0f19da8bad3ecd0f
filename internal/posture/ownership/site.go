package ownership

import (
	"context"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// site is everything about a place at one moment: what is stored there and what
// the estate says.
type site struct {
	Place
	single record.Assessment  // at exactly the scope
	alone  bool               // there is one
	open   int                // unhealthy assessments at and below the scope
	stored *store.Object      // under the key, nil: none
	record *governance.Record // stored, read
	others []store.Object     // under other keys
}

// visit looks at a place. A recommendation that assesses nothing there is an
// *arm.Error with status 404.
func (o *Owners) visit(ctx context.Context, tx *store.Tx, view *index.View, p Place) (*site, error) {
	rec := view.Recommendation(p.Recommendation)
	if rec == nil {
		return nil, arm.NotFound(p.assessmentID())
	}
	p.Recommendation = rec.ID
	s := &site{Place: p}
	if s.single, s.alone = view.Assessment(p.Scope, rec.ID); s.alone {
		s.Scope = s.single.ResourceID
	}
	scope := index.Scope{ID: strings.TrimSuffix(s.Scope, "/")}
	all, err := view.Assessments(index.AssessmentQuery{Scope: scope, Recommendation: rec.ID, Limit: 1})
	if err != nil {
		return nil, err
	}
	if all.Total == 0 {
		return nil, arm.NotFound(p.assessmentID())
	}
	open, err := view.Assessments(index.AssessmentQuery{Scope: scope, Recommendation: rec.ID, State: []record.State{record.Unhealthy}, Limit: 1})
	if err != nil {
		return nil, err
	}
	s.open = open.Total
	return s, s.read(ctx, tx)
}

// assessmentID is the id that the assignment's hangs on.
func (p Place) assessmentID() string {
	return strings.TrimSuffix(governance.RecordID(p.Scope, p.Recommendation, ""), "/governanceAssignments/")
}

// read finds what is stored at the place: under its key, which may be spelled in
// any case, and under others.
func (s *site) read(ctx context.Context, tx *store.Tx) error {
	prefix := governance.RecordID(s.Scope, s.Recommendation, "")
	all, err := tx.Objects(ctx, store.ObjectQuery{Tenant: s.Tenant, Kind: governance.AssignmentKind, Prefix: prefix})
	if err != nil {
		return err
	}
	for i := range all {
		if !strings.EqualFold(all[i].ID, s.ID()) {
			s.others = append(s.others, all[i])
			continue
		}
		s.stored = &all[i]
		if s.record, err = governance.ParseRecord(all[i].ID, all[i].Body); err != nil {
			return err
		}
		s.Key = s.record.Key()
	}
	return nil
}

// inForce is the assignment that a write at the place starts from: that of the
// assessment, or of several what was stored for them.
func (s *site) inForce() governance.Assignment {
	switch {
	case s.record != nil && !s.record.AssignedOn.IsZero() && (!s.alone || s.last()):
		return s.assigned()
	case s.alone:
		a := s.single.Assigned
		if s.record != nil && !s.record.PromisedOn.Before(a.Made) && !s.record.PromisedOn.IsZero() {
			a.Promise = s.record.Promise // newer than the view
		}
		return a
	}
	return governance.Assignment{}
}

// last reports whether the stored record is the last word on the assessment. The
// view may not have heard of it yet.
func (s *site) last() bool {
	a := s.single.Assigned
	return strings.EqualFold(a.ID, s.record.ID) || !s.record.AssignedOn.Before(a.Made) && !s.record.AssignedOn.Before(s.single.Since)
}

// assigned is what the stored record says by itself.
func (s *site) assigned() governance.Assignment {
	r := s.record
	a := governance.Assignment{ID: r.ID, By: r.AssignedBy, Owner: r.Owner, Due: r.Due, Grace: r.Grace, Made: r.AssignedOn}
	if !r.PromisedOn.IsZero() && !r.PromisedOn.Before(r.AssignedOn) {
		a.Promise = r.Promise
	}
	return a
}

// entry is what is shown under the place's key.
func (s *site) entry() (Entry, error) {
	e := Entry{Place: s.Place}
	if s.alone {
		e.Status, e.Completed, e.Gone = s.single.Status, s.single.Completed, s.single.Gone
	}
	switch {
	case s.record != nil && !s.record.AssignedOn.IsZero():
		e.Assignment = s.assigned()
	case s.record != nil && s.alone && s.single.Assigned.Assigned():
		e.Assignment = s.inForce()
	case s.record == nil && s.alone && s.single.Assigned.Assigned() && strings.EqualFold(s.Key, keyOf(s.single.Assigned)) && !s.removed():
		e, _ = EntryOf(s.Tenant, &s.single)
		return e, nil
	default:
		return e, arm.NotFound(s.ID())
	}
	e.Notify, e.Additional = s.record.Notify, s.record.Additional
	e.CreatedAt, e.UpdatedAt, e.UpdatedBy = s.stored.CreatedAt, s.stored.UpdatedAt, s.stored.UpdatedBy
	e.ETag = s.etag()
	return e, nil
}

// removed reports whether the view still shows a record that the store has no
// more.
func (s *site) removed() bool { return strings.EqualFold(s.single.Assigned.ID, s.ID()) }

// etag tells apart what a client may have read: what is stored and, where that
// is a promise alone, what it was made for.
func (s *site) etag() string {
	switch {
	case s.stored != nil && !s.record.AssignedOn.IsZero():
		return s.stored.ETag
	case s.stored != nil:
		return s.stored.ETag + "." + fingerprint(s.single.Assigned)
	case s.alone && s.single.Assigned.Assigned():
		return "v" + fingerprint(s.single.Assigned)
	}
	return ""
}

// Match is what a client demands of what is there: an ETag, "*" for anything;
// None that there is nothing.
type Match struct {
	ETag string
	None bool
}

func (s *site) match(m Match) error {
	there := s.etag()
	switch {
	case m.None && there != "":
		return &arm.Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Target: s.ID(), Message: "It exists already, and If-None-Match: * asks to create it."}
	case m.ETag == "", m.ETag == "*" && there != "", m.ETag == there:
		return nil
	}
	return arm.Conflict(s.ID())
}
