package judge

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// layFindings lays what reports say over a row's statuses: the row's findings, and
// why what is healthy is so.
func (e *Estate) layFindings(r *record.Row) {
	r.Findings = e.reports.found(r.ID)
	if r.Findings == nil || len(r.Findings.Disabled) == 0 {
		return
	}
	all := e.names.Findings.List()
	for _, src := range e.judge.sources.All() {
		slot, ok := e.current.Slot(src.Recommendation)
		if !ok {
			continue
		}
		for i := range r.Statuses {
			if c := &r.Statuses[i]; c.Slot == slot && c.State == record.Healthy {
				c.Reason = e.names.Reasons.ID(disabledReason(src, all, r.Findings.Disabled))
			}
		}
	}
}

// disabledReason is what a healthy assessment says of its disabled findings, ""
// if it has none.
func disabledReason(src *finding.Source, all []*finding.Finding, off []uint32) string {
	n := 0
	for _, number := range off {
		if f := all[number]; src.Lists(f.Report, f.ID) {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 finding is disabled by rule"
	}
	return strconv.Itoa(n) + " findings are disabled by rule"
}

// found is what the reports about a resource say together, nil if there are
// none.
func (s *reports) found(id string) *record.FindingSet {
	notes := s.about(id)
	if len(notes) == 0 {
		return nil
	}
	f := &record.FindingSet{}
	for _, n := range notes {
		f.Disabled = append(f.Disabled, n.off...)
		for _, number := range n.open {
			if _, off := slices.BinarySearch(n.off, number); !off {
				f.Open = append(f.Open, number)
			}
		}
	}
	f.Open, f.Disabled = distinct(f.Open), distinct(f.Disabled)
	return f
}

// inForce are the rules of a catalog that hold now. Rules that name what is no
// recommendation with findings select nothing, which is a problem to be shown.
func (e *Estate) inForce(c *catalog.Catalog) *finding.RuleSet {
	rules := catalog.ParseAll(c, e.objects.FindingRules, func(o store.Object) (*finding.Rule, error) {
		r, err := finding.ParseRule(o.ID, o.Body)
		if err != nil {
			return nil, err
		}
		return r, e.judge.sources.Check(r)
	})
	if len(rules) > finding.MaxRules {
		c.AddProblem(finding.Type, fmt.Errorf("there are %d rules; the first %d are used", len(rules), finding.MaxRules))
		rules = rules[:finding.MaxRules]
	}
	next := e.ruleSet(rules)
	if e.current != nil && next.Same(e.current.DisableRules) {
		return e.current.DisableRules
	}
	if ends := next.Ends(); !ends.IsZero() {
		e.due.add(ends, noHandle)
	}
	return next
}

// noHandle is the number of no row: with it something is due that is none.
const noHandle = 0

// ruleSet is those of some rules that are in force now, nil if there are none.
func (e *Estate) ruleSet(rules []*finding.Rule) *finding.RuleSet {
	version := func(r *finding.Rule) string { return e.objects.FindingRules[arm.Fold(r.ID)].ETag }
	return finding.NewRuleSet(rules, version, e.judge.sources, e.now())
}

// follow takes in the rules of the current shape. Reports whose disabled
// findings are other ones under them become pending.
func (s *reports) follow(rules *finding.RuleSet, above map[uint32][]arm.ID, placed int, cause record.Cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rules == s.rules && placed == s.placed {
		return
	}
	s.rules, s.above, s.placed, s.cause = rules, above, placed, cause
	for handle, n := range s.byHandle {
		// Beyond the bound of findings only the report itself can tell.
		unclear := len(n.open) > 0 && n.open[0] == finding.Other
		if unclear || !slices.Equal(n.off, s.disabled(n, rules)) {
			s.pending.Add(handle)
		}
	}
}

// some returns up to limit reports that are pending, and why they are.
func (s *reports) some(limit int) ([]uint32, record.Cause) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	handles := make([]uint32, min(limit, int(s.pending.GetCardinality())))
	return handles[:s.pending.ManyIterator().NextMany(handles)], s.cause
}

// behind reports whether reports are pending.
func (s *reports) behind() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !s.pending.IsEmpty()
}

// ruled are rows whose findings are other ones because rules changed.
type ruled struct {
	rows  *roaring.Bitmap
	cause record.Cause
}

// reapplyRules brings the evaluator's copies of reports up to date with the rules: at
// most limit of them, the others are left pending.
func (e *Estate) reapplyRules(ctx context.Context, limit int) (ruled, error) {
	cause := record.ExemptionChanged
	if e.current.DisableRules.Ended(e.now()) {
		e.overlay()
		cause = record.TimePassed
	}
	e.reports.follow(e.current.DisableRules, e.above, e.placed, cause)
	handles, cause := e.reports.some(limit)
	out := ruled{roaring.New(), cause}
	if len(handles) == 0 {
		return out, nil
	}
	var docs []store.Resource
	err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		docs, err = tx.ResourcesByHandle(ctx, handles)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("read reports again: %w", err)
	}
	e.recheck.Or(e.reports.takeMoved()) // those that moved for reasons of their own
	e.aboutMasked(e.View(), docs)
	e.eval.upsertAll(docs, e.refuse)
	e.reports.settled(handles)
	out.rows = e.reports.takeMoved()
	return out, nil
}

// settled ends the wait for reports, those that are gone included.
func (s *reports) settled(handles []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range handles {
		s.pending.Remove(h)
	}
}

// reapplyAllRules is remask for a first view, which must hold everything.
func (e *Estate) reapplyAllRules(ctx context.Context) error {
	for {
		if _, err := e.reapplyRules(ctx, maxBatch); err != nil || !e.reports.behind() {
			return err
		}
	}
}
