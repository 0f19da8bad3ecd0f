package finding

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// conditions select findings. All that are given must hold; of a list, one
// value must.
type conditions struct {
	ids, cves, categories map[string]bool // folded
	severities            map[content.Severity]bool
	digests               map[string]bool
	minCVSS, maxCVSS      *float64
	patchable             *bool
	words                 string
}

// wireConditions is the ARM shape of conditions.
type wireConditions struct {
	FindingIDs   []string `json:"findingIds"`
	CVEs         []string `json:"cves"`
	Severities   []string `json:"severities"`
	MinCVSS      *float64 `json:"minCvss"`
	MaxCVSS      *float64 `json:"maxCvss"`
	Patchable    *bool    `json:"patchable"`
	Categories   []string `json:"categories"`
	ImageDigests []string `json:"imageDigests"`
}

func (w *wireConditions) read() (conditions, error) {
	c := conditions{minCVSS: w.MinCVSS, maxCVSS: w.MaxCVSS, patchable: w.Patchable, words: w.words()}
	given := w.MinCVSS != nil || w.MaxCVSS != nil || w.Patchable != nil
	for _, list := range []struct {
		name   string
		values []string
		into   *map[string]bool
		fold   func(string) string
	}{
		{"findingIds", w.FindingIDs, &c.ids, arm.Fold},
		{"cves", w.CVEs, &c.cves, arm.Fold},
		{"categories", w.Categories, &c.categories, arm.Fold},
		{"imageDigests", w.ImageDigests, &c.digests, Digest},
	} {
		var err error
		if *list.into, err = readValues("conditions."+list.name, list.values, list.fold); err != nil {
			return c, err
		}
		given = given || len(list.values) > 0
	}
	if err := c.readSeverities(w.Severities); err != nil {
		return c, err
	}
	if !given && len(w.Severities) == 0 {
		return c, invalidAt("conditions", "at least one is needed: a rule for everything would hide what is yet to come")
	}
	return c, c.checkScores()
}

// readValues folds the values of one list, nil if it is empty.
func readValues(property string, values []string, fold func(string) string) (map[string]bool, error) {
	if len(values) > maxValues {
		return nil, invalidAt(property, "%d values; at most %d", len(values), maxValues)
	}
	var set map[string]bool
	for i, value := range values {
		value = strings.TrimSpace(value)
		if value == "" || len(value) > maxValue {
			return nil, invalidAt(fmt.Sprintf("%s[%d]", property, i), "want 1 to %d characters", maxValue)
		}
		if set == nil {
			set = make(map[string]bool, len(values))
		}
		set[fold(value)] = true
	}
	return set, nil
}

func (c *conditions) readSeverities(values []string) error {
	for i, value := range values {
		severity, ok := Severity(value)
		if !ok {
			return invalidAt(fmt.Sprintf("conditions.severities[%d]", i), "%q is not one of Critical, High, Medium, Low", clip(value))
		}
		if c.severities == nil {
			c.severities = map[content.Severity]bool{}
		}
		c.severities[severity] = true
	}
	return nil
}

// Severity reads a severity in any case.
func Severity(text string) (content.Severity, bool) {
	switch s := content.Severity(strings.ToLower(text)); s {
	case content.Critical, content.High, content.Medium, content.Low:
		return s, true
	}
	return "", false
}

func (c *conditions) checkScores() error {
	for name, score := range map[string]*float64{"minCvss": c.minCVSS, "maxCvss": c.maxCVSS} {
		if score != nil && (*score < 0 || *score > 10) {
			return invalidAt("conditions."+name, "%v is not a score from 0 to 10", *score)
		}
	}
	if c.minCVSS != nil && c.maxCVSS != nil && *c.minCVSS > *c.maxCVSS {
		return invalidAt("conditions.minCvss", "%v is above maxCvss, %v: nothing can hold", *c.minCVSS, *c.maxCVSS)
	}
	return nil
}

// hold reports whether all conditions but that on the image hold. What a
// finding does not say fulfils no condition on it.
func (c *conditions) hold(f *Finding) bool {
	switch {
	case c.ids != nil && !c.ids[arm.Fold(f.ID)] && !c.ids[Name(f.ID)]:
	case c.cves != nil && !slices.ContainsFunc(f.CVEs, func(cve string) bool { return c.cves[arm.Fold(cve)] }):
	case c.categories != nil && !c.categories[arm.Fold(f.Category)]:
	case c.severities != nil && !c.severities[f.Severity]:
	case c.minCVSS != nil && (f.CVSS == 0 || f.CVSS < *c.minCVSS):
	case c.maxCVSS != nil && (f.CVSS == 0 || f.CVSS > *c.maxCVSS):
	case c.patchable != nil && (f.Patchable == nil || *f.Patchable != *c.patchable):
	default:
		return true
	}
	return false
}

// words says the conditions for lists of rules.
func (w *wireConditions) words() string {
	var parts []string
	for _, list := range []struct {
		word   string
		values []string
	}{{"", w.CVEs}, {"", w.FindingIDs}, {"severity ", w.Severities}, {"category ", w.Categories}, {"image ", w.ImageDigests}} {
		if len(list.values) > 0 {
			parts = append(parts, list.word+few(list.values))
		}
	}
	if w.MinCVSS != nil {
		parts = append(parts, fmt.Sprintf("CVSS from %v", *w.MinCVSS))
	}
	if w.MaxCVSS != nil {
		parts = append(parts, fmt.Sprintf("CVSS up to %v", *w.MaxCVSS))
	}
	if w.Patchable != nil {
		parts = append(parts, map[bool]string{true: "with a fix", false: "without a fix"}[*w.Patchable])
	}
	return strings.Join(parts, ", ")
}

// few names the first of some values.
func few(values []string) string {
	const shown = 3
	if len(values) <= shown {
		return strings.Join(values, " or ")
	}
	return fmt.Sprintf("%s or %d others", strings.Join(values[:shown], ", "), len(values)-shown)
}
