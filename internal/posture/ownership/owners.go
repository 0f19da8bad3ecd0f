package ownership

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// The actions that roles allow. The owner of a task may promise a date with
// Read alone.
const (
	Read        = "Microsoft.Security/assessments/read"
	Write       = "Microsoft.Security/assessments/governanceAssignments/write"
	Delete      = "Microsoft.Security/assessments/governanceAssignments/delete"
	WriteRules  = "Microsoft.Security/governanceRules/write"
	DeleteRules = "Microsoft.Security/governanceRules/delete"
)

// Owners reads and writes assignments and rules. It is safe for concurrent use.
type Owners struct {
	store *store.DB
	judge *judge.Judge
	now   func() time.Time
}

// New returns the Owners over a store and what is judged of it.
func New(db *store.DB, judge *judge.Judge, now func() time.Time) *Owners {
	return &Owners{store: db, judge: judge, now: now}
}

// Place names an assignment: a key under the assessments of one recommendation
// at and below a scope.
type Place struct {
	Tenant         string
	Scope          string // ARM id; of a resource, or of what holds several
	Recommendation string
	Key            string // last segment of the id
}

// ID is the ARM id of the assignment.
func (p Place) ID() string { return governance.RecordID(p.Scope, p.Recommendation, p.Key) }

// Entry is an assignment as it stands.
type Entry struct {
	Place
	governance.Assignment
	Status    governance.Status // of a single assessment
	Completed time.Time
	Gone      bool
	// Notify and Additional are kept as they were put.
	Notify, Additional []byte
	ETag               string
	// CreatedAt, UpdatedAt and UpdatedBy are zero for what a rule gave.
	CreatedAt, UpdatedAt time.Time
	UpdatedBy            string
}

// EntryOf is the assignment of one assessment; ok is false where there is none.
func EntryOf(tenant string, a *record.Assessment) (e Entry, ok bool) {
	if !a.Assigned.Assigned() {
		return e, false
	}
	return Entry{
		Place:      Place{Tenant: tenant, Scope: a.ResourceID, Recommendation: a.Recommendation.ID, Key: keyOf(a.Assigned)},
		Assignment: a.Assigned, Status: a.Status, Completed: a.Completed, Gone: a.Gone, ETag: "v" + fingerprint(a.Assigned),
	}, true
}

// keyOf is the key under which an assessment's assignment is found: the name of
// the rule, or that of the assignment that reaches it.
func keyOf(a governance.Assignment) string { return a.ID[strings.LastIndexByte(a.ID, '/')+1:] }

// fingerprint changes with what is assigned.
func fingerprint(a governance.Assignment) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\n%s\n%d\n%v\n%d\n%d", arm.Fold(a.ID), a.Owner, a.Due.Unix(), a.Grace, a.Made.UnixNano(), a.ETA.Unix())
	return fmt.Sprintf("%016x", h.Sum64())
}

// Get finds an assignment: one that is stored at the place, or what a rule or a
// wider assignment gave to the assessment there.
func (o *Owners) Get(ctx context.Context, p Place) (Entry, error) {
	view, err := o.view(p.Tenant)
	if err != nil {
		return Entry{}, err
	}
	var s *site
	err = o.store.View(ctx, func(tx *store.Tx) error {
		s, err = o.visit(ctx, tx, view, p)
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	return s.entry()
}

func (o *Owners) view(tenant string) (*index.View, error) {
	if estate := o.judge.Estate(tenant); estate != nil && estate.View() != nil {
		return estate.View(), nil
	}
	return nil, &arm.Error{Status: http.StatusServiceUnavailable, Code: "ServerNotReady", Message: "The estate is still being loaded; try again in a moment."}
}

// IsOwner reports whether a principal is the one that an assignment names.
func IsOwner(by access.Principal, a governance.Assignment) bool {
	return a.Owner != "" && (strings.EqualFold(a.Owner, by.Name) || strings.EqualFold(a.Owner, by.ID))
}
