package web

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// evidenceRow is one assessment with what decided it.
type evidenceRow struct {
	record.Assessment
	Found []planning.EvidenceLine
}

// explain recomputes an assessment's evidence. A document that went away
// between the index and the store is shown without evidence.
func (v *visit) explain(a record.Assessment) (evidenceRow, *planning.Fix, error) {
	row := evidenceRow{Assessment: a}
	evidence, err := planning.Explain(v.Context(), v.estate, a.ResourceID, a.Recommendation.ID)
	switch {
	case arm.IsNotFound(err):
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
	return row, evidence.Fix, nil
}

// maxEvidence bounds the conditions shown per row; the rest repeats.
const maxEvidence = 5

// deciding leaves out what goes without saying, that a storage account is a
// storage account, and joins conditions on one value: wanted this or that.
func deciding(found []planning.EvidenceLine) []planning.EvidenceLine {
	var lines []planning.EvidenceLine
	for _, l := range found {
		if l.Path == "type" {
			continue
		}
		// The reason names the resource, which the row does already.
		if i := len(l.Note) - len(" in "+l.ResourceID); i > 0 && strings.EqualFold(l.Note[i:], " in "+l.ResourceID) {
			l.Note = l.Note[:i]
		}
		last := len(lines) - 1
		if last >= 0 && lines[last].Path == l.Path && lines[last].ResourceID == l.ResourceID && lines[last].File == l.File && lines[last].Found == l.Found {
			if l.Wanted != lines[last].Wanted {
				lines[last].Wanted += " or " + l.Wanted
			}
			continue
		}
		if len(lines) < maxEvidence {
			lines = append(lines, l)
		}
	}
	return lines
}
