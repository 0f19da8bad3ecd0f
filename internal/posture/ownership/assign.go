package ownership

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/governance"
)

// Wish is an assignment as somebody wants it.
type Wish struct {
	Place
	Match
	Owner string
	Due   time.Time
	Grace *bool // nil keeps what is there
	// ETA and its Justification are the owner's promise; zero takes it back.
	ETA           time.Time
	Justification string
	// Notify and Additional are kept as they are; nil keeps what is there.
	Notify, Additional json.RawMessage
}

// Put assigns the unhealthy assessments of a recommendation at and below a scope,
// or, where owner and due date stay as they are, makes or takes back the owner's
// promise. Another assignment at the same scope is replaced, whatever its key.
// created tells whether nothing was stored under the key.
//
// Assigning needs the right to Write; who is the owner may promise without it.
func (o *Owners) Put(ctx context.Context, by access.Principal, w Wish) (e Entry, created bool, err error) {
	view, err := o.view(w.Tenant)
	if err != nil {
		return e, false, err
	}
	if w.Key == "" || len(w.Key) > 260 || strings.ContainsAny(w.Key, "/?#\\") {
		return e, false, arm.Invalid("An assignment's key has 1 to 260 characters and no slash.")
	}
	w.Owner, w.Justification = strings.TrimSpace(w.Owner), strings.TrimSpace(w.Justification)
	err = o.store.Update(ctx, func(tx *store.Tx) error {
		s, err := o.visit(ctx, tx, view, w.Place)
		if err != nil {
			return err
		}
		if err := s.match(w.Match); err != nil {
			return err
		}
		created = s.stored == nil
		r, err := s.wished(by, w, o.now().UTC().Truncate(time.Microsecond))
		if err != nil {
			return err
		}
		if err := s.write(ctx, tx, by, r); err != nil {
			return err
		}
		e, err = s.entry()
		return err
	})
	return e, created, err
}

// wished is the record that a wish makes of what is there.
func (s *site) wished(by access.Principal, w Wish, now time.Time) (*governance.Record, error) {
	if s.open == 0 {
		return nil, &arm.Error{Status: http.StatusConflict, Code: "NothingToAssign", Target: s.ID(),
			Message: "Nothing at this scope is unhealthy by this recommendation: there is nothing to assign."}
	}
	if err := governance.CheckOwner(w.Owner); err != nil {
		return nil, err
	}
	before := s.inForce()
	if w.Grace == nil {
		w.Grace = &before.Grace
	}
	r := &governance.Record{ID: s.ID(), Owner: w.Owner, Due: w.Due.UTC(), Grace: *w.Grace, Notify: w.Notify, Additional: w.Additional}
	if s.record != nil {
		r.Notify, r.Additional = firstRaw(w.Notify, s.record.Notify), firstRaw(w.Additional, s.record.Additional)
	}
	trusted := by.Allow(Write, s.Scope)
	if !s.same(w, before) {
		if trusted != nil {
			return nil, trusted
		}
		if err := governance.CheckDue(w.Due, now); err != nil {
			return nil, err
		}
		r.AssignedOn, r.AssignedBy = now, by.Name
		return r, s.promise(r, by, w, governance.Promise{}, now)
	}
	if trusted != nil && (!IsOwner(by, before) || !s.asKept(r)) {
		return nil, trusted
	}
	r.Owner, r.Due = before.Owner, before.Due
	if s.record != nil && strings.EqualFold(before.ID, s.record.ID) {
		r.AssignedOn, r.AssignedBy = s.record.AssignedOn, s.record.AssignedBy
	}
	return r, s.promise(r, by, w, before.Promise, now)
}

// same reports whether a wish leaves the assignment as it is. Clients send times
// back in whole seconds.
func (s *site) same(w Wish, before governance.Assignment) bool {
	return before.Assigned() && strings.EqualFold(w.Owner, before.Owner) && *w.Grace == before.Grace &&
		w.Due.Truncate(time.Second).Equal(before.Due.Truncate(time.Second))
}

// asKept reports whether nothing but the promise is changed.
func (s *site) asKept(r *governance.Record) bool {
	if s.record == nil {
		return r.Notify == nil && r.Additional == nil
	}
	return sameJSON(r.Notify, s.record.Notify) && sameJSON(r.Additional, s.record.Additional)
}

// promise books what a wish promises, if that is another promise than before.
func (s *site) promise(r *governance.Record, by access.Principal, w Wish, before governance.Promise, now time.Time) error {
	wanted := governance.Promise{ETA: w.ETA.UTC(), Justification: w.Justification, PromisedBy: by.Name}
	switch {
	case w.ETA.Truncate(time.Second).Equal(before.ETA.Truncate(time.Second)) && w.Justification == before.Justification:
		if s.record != nil && before != (governance.Promise{}) {
			r.Promise, r.PromisedOn = s.record.Promise, s.record.PromisedOn
		}
		return nil
	case w.ETA.IsZero():
		r.PromisedOn, r.PromisedBy = now, by.Name // taken back
		return nil
	}
	r.Promise, r.PromisedOn = wanted, now
	return wanted.Check(now)
}

// write stores a record in place of all others at its scope.
func (s *site) write(ctx context.Context, tx *store.Tx, by access.Principal, r *governance.Record) error {
	body, err := json.Marshal(map[string]any{"id": r.ID, "name": r.Key(), "type": assignmentType, "properties": r.Properties()})
	if err != nil {
		return fmt.Errorf("encode %s: %w", r.ID, err)
	}
	match := ""
	if s.stored != nil {
		match = s.stored.ETag
	}
	stored, err := tx.PutObject(ctx, store.Object{Tenant: s.Tenant, Kind: governance.AssignmentKind, ID: r.ID, Body: body, UpdatedBy: by.Name}, match)
	if err != nil {
		return err
	}
	for _, other := range s.others {
		if err := tx.DeleteObject(ctx, s.Tenant, governance.AssignmentKind, other.ID, other.ETag); err != nil {
			return err
		}
	}
	s.stored, s.others = &stored, nil
	if s.record, err = governance.ParseRecord(stored.ID, stored.Body); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, store.AuditRow{Tenant: s.Tenant, Actor: by.Name, Action: Write, Target: r.ID, Outcome: "ok", Detail: body})
}

// assignmentType is the ARM type of assignments.
const assignmentType = "Microsoft.Security/assessments/governanceAssignments"

// Remove takes back what a person assigned or promised; rules then assign what
// they select. Nothing there is no error. What a rule or a wider assignment gave
// cannot be taken from one assessment.
func (o *Owners) Remove(ctx context.Context, by access.Principal, p Place, m Match) error {
	view, err := o.view(p.Tenant)
	if err != nil {
		return err
	}
	if err := by.Allow(Delete, p.Scope); err != nil {
		return err
	}
	return o.store.Update(ctx, func(tx *store.Tx) error {
		s, err := o.visit(ctx, tx, view, p)
		if arm.IsNotFound(err) {
			// What it was about is gone; it may be stored all the same.
			s = &site{Place: p}
			err = s.read(ctx, tx)
		}
		if err != nil {
			return err
		}
		if s.stored == nil {
			_, err := s.entry()
			if err == nil {
				return s.given()
			}
			return nil
		}
		if err := s.match(m); err != nil {
			return err
		}
		if err := tx.DeleteObject(ctx, p.Tenant, governance.AssignmentKind, s.stored.ID, s.stored.ETag); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: p.Tenant, Actor: by.Name, Action: Delete, Target: s.stored.ID, Outcome: "ok"})
	})
}

// given says where an assignment comes from that is not stored at the place.
func (s *site) given() error {
	return &arm.Error{Status: http.StatusConflict, Code: "AssignedElsewhere", Target: s.single.Assigned.ID,
		Message: fmt.Sprintf("This was assigned by %s; change that, or assign somebody else here.", s.single.Assigned.ID)}
}

func firstRaw(a, b json.RawMessage) json.RawMessage {
	if len(a) > 0 && !bytes.Equal(bytes.TrimSpace(a), []byte("null")) {
		return a
	}
	return b
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
