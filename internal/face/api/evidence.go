package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// condition is one deciding condition, in additionalData.evidence.
type condition struct {
	ResourceID string `json:"resourceId"`
	Path       string `json:"path,omitempty"`
	File       string `json:"file,omitempty"` // of a host check, with the line
	Operator   string `json:"operator,omitempty"`
	Found      string `json:"found,omitempty"` // as JSON; not there with missing
	Missing    bool   `json:"missing,omitempty"`
	Wanted     string `json:"wanted,omitempty"`
	Note       string `json:"note,omitempty"`
}

// Bounds of the evidence of one assessment: the first conditions are the most
// specific, and a value may be a whole document.
const (
	maxConditions = 20
	maxDescribed  = 3
	maxValue      = 2000
)

// evidenceOf are the conditions that decided an assessment. What went away since
// the view was made has none. That a vault is a vault goes without saying.
func evidenceOf(r *request, estate *judge.Estate, x *record.Assessment) ([]condition, error) {
	evidence, err := planning.Explain(r.Context(), estate, x.ResourceID, x.Recommendation.ID)
	if arm.IsNotFound(err) || err == nil && evidence == nil {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("explain %s: %w", x.ResourceID, err)
	}
	var all []condition
	for _, line := range evidence.Found {
		if line.Path != "type" && len(all) < maxConditions {
			all = append(all, condition{ResourceID: line.ResourceID, Path: line.Path, File: line.File, Operator: line.Operator,
				Found: cut(line.Found), Missing: line.Missing, Wanted: cut(line.Wanted), Note: line.Note})
		}
	}
	return all, nil
}

// cut bounds a value that is shown.
func cut(s string) string {
	if len(s) > maxValue {
		return strings.ToValidUTF8(s[:maxValue], "") + "..."
	}
	return s
}

// withEvidence adds the deciding conditions to the body of an unhealthy
// assessment: as data, and in words unless the reason is told already.
func withEvidence(body map[string]any, x *record.Assessment, all []condition) error {
	if len(all) == 0 {
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("encode evidence of %s: %w", x.ResourceID, err)
	}
	properties := body["properties"].(map[string]any)
	properties["additionalData"].(map[string]string)["evidence"] = string(text)
	if status := properties["status"].(map[string]any); status["description"] == nil {
		var words []string
		for i := range all[:min(len(all), maxDescribed)] {
			words = append(words, all[i].words())
		}
		status["description"] = strings.Join(words, "; ") + "."
	}
	return nil
}

// words is "properties.minimumTlsVersion is "TLS1_0", wanted not "TLS1_2"".
func (c *condition) words() string {
	found := "is " + c.Found
	if c.Missing {
		found = "is not there"
	}
	text := cmp.Or(c.File, c.Path) + " " + found
	if c.Wanted != "" {
		text += ", wanted " + c.Wanted
	}
	if c.Note != "" {
		text += " (" + c.Note + ")"
	}
	return strings.TrimSpace(text)
}
