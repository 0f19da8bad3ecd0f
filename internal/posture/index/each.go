package index

import (
	"iter"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// EachResource gives every resource that a query selects, once, for a list
// without an end: by type if that is the order asked for, else those with the
// most unhealthy assessments first. Within these groups nothing is sorted, so
// that neither time nor memory grows faster than the list.
func (v *View) EachResource(q InventoryQuery) (iter.Seq[ResourceRow], error) {
	sort, err := readSort(q.Sort, "unhealthy", "name", "type", "seen")
	if err != nil {
		return nil, err
	}
	if sort != "type" {
		sort = "unhealthy"
	}
	s := &resourceSearch{v: v, sort: sort, desc: q.Desc && q.Sort == sort, bits: v.inventory(q)}
	return func(yield func(ResourceRow) bool) {
		for _, g := range s.groups() {
			it := roaring.And(s.bits, g.bits).Iterator()
			for it.HasNext() {
				if !yield(v.resourceRow(v.Rows.At(it.Next()))) {
					return
				}
			}
		}
	}, nil
}

// EachMatch is EachResource for assessments: by severity if that is the order
// asked for, else by risk.
func (v *View) EachMatch(q AssessmentQuery) (iter.Seq[record.Assessment], error) {
	sort, err := readSort(q.Sort, "risk", "since", "name", "severity")
	if err != nil {
		return nil, err
	}
	if sort != "severity" {
		sort = "risk"
	}
	q.Desc = q.Desc && (q.Sort == sort || q.Sort == "")
	s := &assessmentSearch{v: v, levels: riskLevels{v: v}, q: &q, sort: sort}
	s.collect()
	return func(yield func(record.Assessment) bool) {
		for i := range s.segments {
			it := s.segments[i].rows().Iterator()
			for it.HasNext() {
				if !yield(v.AssessmentOf(v.Rows.At(it.Next()), s.segments[i].slot)) {
					return
				}
			}
		}
	}, nil
}

// EachAssessment gives every assessment that applies, by resource in the order
// of their handles, then by recommendation.
func (v *View) EachAssessment() iter.Seq[record.Assessment] {
	return func(yield func(record.Assessment) bool) {
		v.Rows.Each(func(_ uint32, r *record.Row) bool {
			for _, c := range r.Statuses {
				if !yield(v.AssessmentOf(r, c.Slot)) {
					return false
				}
			}
			return true
		})
	}
}
