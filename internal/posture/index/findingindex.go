package index

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// find keeps the sets of resources by finding.
func (b *Writer) find(h uint32, was, now *record.Row) {
	if was == nil || now == nil || was.Findings != now.Findings {
		before, after := was.FindingsOrNone(), now.FindingsOrNone()
		b.View.open.Move(b.View.seq, h, before.Open, after.Open)
		b.View.off.Move(b.View.seq, h, before.Disabled, after.Disabled)
	}
}

// withFinding is the resources that have a finding in their reports: one whose
// id, name or CVE is the text, else those whose id or title holds all its words.
// Its cost is that of the different findings, not of the estate. disabled asks
// for those that a rule disables, else they count.
func (v *View) withFinding(text string, disabled bool) *roaring.Bitmap {
	table := &v.open
	if disabled {
		table = &v.off
	}
	text = strings.TrimSpace(text)
	words := strings.Fields(strings.ToLower(text))
	var called, worded []*roaring.Bitmap
	all := v.names.Findings.List()
	table.Each(func(n uint32, s *cow.Set) bool {
		if n == finding.Other || int(n) >= len(all) || s.Len() == 0 {
			return true
		}
		switch f := all[n]; {
		case f.IsCalled(text):
			called = append(called, s.Bits())
		case hasWords(f, words):
			worded = append(worded, s.Bits())
		}
		return true
	})
	if len(called) > 0 {
		return roaring.FastOr(called...)
	}
	return roaring.FastOr(worded...)
}

// FindingCounts are the different findings in the reports about a resource:
// those that count, and those that a rule disables.
func (v *View) FindingCounts(resourceID string) (open, disabled int) {
	found := v.Find(resourceID).FindingsOrNone()
	return len(found.Open), len(found.Disabled)
}

func hasWords(f *finding.Finding, words []string) bool {
	for _, w := range words {
		if !record.ContainsFold(f.Title, w) && !record.ContainsFold(f.ID, w) && !slices.ContainsFunc(f.CVEs, func(cve string) bool { return record.ContainsFold(cve, w) }) {
			return false
		}
	}
	return true
}
