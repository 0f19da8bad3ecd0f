package api

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// findingFilter is what $filter of a list of findings asks for; empty words ask
// for nothing.
type findingFilter struct{ code, cause string }

// readFindingFilter reads comparisons of properties/status/code and
// properties/status/cause, joined by and.
func readFindingFilter(text string) (findingFilter, error) {
	var f findingFilter
	for _, term := range filterTerms(text) {
		m := filterTerm.FindStringSubmatch(term)
		if m == nil {
			return f, invalidFilter(term)
		}
		switch arm.Fold(m[1]) {
		case "properties/status/code":
			f.code = m[2]
		case "properties/status/cause":
			f.cause = m[2]
		default:
			return f, invalidFilter(term)
		}
	}
	return f, nil
}

func (f findingFilter) selects(found *judge.Finding) bool {
	code, cause := findingStatus(found)
	return (f.code == "" || strings.EqualFold(f.code, code)) && (f.cause == "" || strings.EqualFold(f.cause, cause))
}

// append adds the findings of some assessments that the filter selects.
func (f findingFilter) append(r *request, estate *judge.Estate, items []any, rows []record.Assessment) ([]any, error) {
	view := estate.View()
	for i := range rows {
		// The index knows where rules disable something: no report is read in vain.
		if _, disabled := view.FindingCounts(rows[i].ResourceID); disabled == 0 && strings.EqualFold(f.cause, disabledCause) {
			continue
		}
		found, err := findingsOf(r, estate, &rows[i])
		if err != nil {
			return nil, err
		}
		for j := range found {
			if f.selects(&found[j]) {
				items = append(items, findingBody(&rows[i], &found[j]))
			}
		}
	}
	return items, nil
}
