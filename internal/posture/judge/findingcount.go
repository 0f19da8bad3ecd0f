package judge

import (
	"cmp"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// FindingCount is one finding over a scope.
type FindingCount struct {
	*finding.Finding
	Resources int // where it counts
	Disabled  int // where a rule disables it
}

// FindingsOver are the different findings of a recommendation in a scope, those
// that count first, then by severity and number of resources, at most limit; all
// is how many there are. Its cost is that of the different findings.
func (e *Estate) FindingsOver(v *index.View, scope index.Scope, recommendationID string, limit int) (rows []FindingCount, all int) {
	src := e.judge.sources.Of(arm.Fold(recommendationID))
	if src == nil {
		return nil, 0
	}
	sel := v.Resolve(scope)
	counts := map[uint32]*FindingCount{}
	known := v.Names().Findings.List()
	open, disabled := v.FindingSets()
	for _, table := range []*cow.Sets{open, disabled} {
		table.Each(func(n uint32, s *cow.Set) bool {
			if int(n) >= len(known) || n == finding.Other || !src.Lists(known[n].Report, known[n].ID) {
				return true
			}
			of := sel.Count(s)
			if of == 0 {
				return true
			}
			if counts[n] == nil {
				counts[n] = &FindingCount{Finding: known[n]}
			}
			if table == open {
				counts[n].Resources = of
			} else {
				counts[n].Disabled = of
			}
			return true
		})
	}
	for _, c := range counts {
		rows = append(rows, *c)
	}
	slices.SortFunc(rows, func(a, b FindingCount) int {
		return cmp.Or(cmp.Compare(min(b.Resources, 1), min(a.Resources, 1)), cmp.Compare(record.SeverityRank(b.Severity), record.SeverityRank(a.Severity)),
			cmp.Compare(b.Resources, a.Resources), cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID))
	})
	return rows[:min(len(rows), limit)], len(rows)
}
