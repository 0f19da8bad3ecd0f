package posture

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/finding"
)

// find keeps the sets of resources by finding.
func (b *builder) find(h uint32, was, now *row) {
	if was == nil || now == nil || was.found != now.found {
		before, after := was.findings(), now.findings()
		b.v.open.Move(b.v.seq, h, before.open, after.open)
		b.v.off.Move(b.v.seq, h, before.off, after.off)
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
	all := v.names.findings.List()
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
	found := v.byID(resourceID).findings()
	return len(found.open), len(found.off)
}

func hasWords(f *finding.Finding, words []string) bool {
	for _, w := range words {
		if !containsFold(f.Title, w) && !containsFold(f.ID, w) && !slices.ContainsFunc(f.CVEs, func(cve string) bool { return containsFold(cve, w) }) {
			return false
		}
	}
	return true
}
