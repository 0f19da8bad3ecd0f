package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture"
)

// evidenceRow is one assessment with what decided it.
type evidenceRow struct {
	posture.Assessment
	Found  []posture.EvidenceLine
	Checks []posture.Finding // of a machine, when checks on it decided
}

// explain recomputes an assessment's evidence. A document that went away
// between the index and the store is shown without evidence.
func (v *visit) explain(a posture.Assessment) (evidenceRow, *posture.Fix, error) {
	row := evidenceRow{Assessment: a}
	evidence, err := v.estate.Evidence(v.Context(), a.ResourceID, a.Recommendation.ID)
	switch {
	case isNotFound(err):
		return row, nil, nil
	case err != nil:
		return row, nil, fmt.Errorf("explain %s: %w", a.ResourceID, err)
	case evidence == nil:
		return row, nil, nil
	}
	row.Found = deciding(evidence.Found)
	if len(row.Found) == 0 && a.Reason == "" {
		row.Found = evidence.Found[:min(len(evidence.Found), maxEvidence)]
	}
	row.Checks, err = v.checksBehind(a, row.Found)
	return row, evidence.Fix, err
}

// checksBehind are the failed checks that a machine's assessment stands on:
// they say in words what was found where, which the path in their report does
// not.
func (v *visit) checksBehind(a posture.Assessment, found []posture.EvidenceLine) ([]posture.Finding, error) {
	byCheck := func(l posture.EvidenceLine) bool { return strings.HasPrefix(l.Path, "properties.checks.") }
	if !slices.ContainsFunc(found, byCheck) {
		return nil, nil
	}
	checks, err := v.estate.Findings(v.Context(), a.ResourceID, a.Recommendation.ID)
	if err != nil && !isNotFound(err) {
		return nil, fmt.Errorf("read checks of %s: %w", a.ResourceID, err)
	}
	checks = slices.DeleteFunc(checks, func(f posture.Finding) bool { return f.Evidence == "" || f.State != a.State })
	return checks[:min(len(checks), maxEvidence)], nil
}

// maxEvidence bounds the conditions shown per row; the rest repeats.
const maxEvidence = 5

// deciding leaves out what goes without saying, that a storage account is a
// storage account, and joins conditions on one value: wanted this or that.
func deciding(found []posture.EvidenceLine) []posture.EvidenceLine {
	var lines []posture.EvidenceLine
	for _, l := range found {
		if l.Path == "type" {
			continue
		}
		// The reason names the resource, which the row does already.
		if i := len(l.Note) - len(" in "+l.ResourceID); i > 0 && strings.EqualFold(l.Note[i:], " in "+l.ResourceID) {
			l.Note = l.Note[:i]
		}
		last := len(lines) - 1
		if last >= 0 && lines[last].Path == l.Path && lines[last].ResourceID == l.ResourceID && lines[last].Found == l.Found && l.Wanted != "" {
			lines[last].Wanted += " or " + l.Wanted
			continue
		}
		if len(lines) < maxEvidence {
			lines = append(lines, l)
		}
	}
	return lines
}
