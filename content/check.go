package content

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// guidShape accepts letters beyond f: one public id that users' scripts filter
// on (17k78e20-...) is not hexadecimal.
var guidShape = regexp.MustCompile(`^[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}$`)

var techniqueShape = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

// The words that a file may use; those of the API are spelled as it spells them.
var (
	severities  = []Severity{Critical, High, Medium, Low}
	effects     = []string{"audit", "auditIfNotExists", "manual"}
	levels      = []string{"low", "moderate", "high"}
	wants       = []string{"healthy", "unhealthy", "notApplicable", "unknown"}
	categories  = []string{"AppServices", "Compute", "Container", "Data", "IdentityAndAccess", "IoT", "Networking"}
	threatWords = []string{
		"accountBreach", "dataExfiltration", "dataSpillage", "denialOfService",
		"elevationOfPrivilege", "maliciousInsider", "missingCoverage", "threatResistance",
	}
	tacticWords = []string{
		"Collection", "Command and Control", "Credential Access", "Defense Evasion", "Discovery", "Execution",
		"Exfiltration", "Impact", "Initial Access", "Lateral Movement", "Persistence", "Privilege Escalation",
		"Reconnaissance", "Resource Development",
	}
)

// problems collects what is wrong with one file.
type problems struct {
	file string
	errs []error
}

func (p *problems) addf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: %s", p.file, fmt.Sprintf(format, args...)))
}

// need reports a text that is empty.
func (p *problems) need(key, value string) {
	if strings.TrimSpace(value) == "" {
		p.addf("%s is missing", key)
	}
}

// oneOf reports a value outside its enumeration.
func oneOf[T ~string](p *problems, key string, value T, allowed []T) {
	if !slices.Contains(allowed, value) {
		p.addf("%s %q is not one of %v", key, value, allowed)
	}
}

// check checks a recommendation alone.
func (r *Recommendation) check() error {
	p := &problems{file: r.File}
	r.checkIdentity(p)
	r.checkTexts(p)
	r.checkPolicy(p)
	r.checkRemediation(p)
	r.checkExamples(p)
	return errors.Join(p.errs...)
}

func (r *Recommendation) checkIdentity(p *problems) {
	if !guidShape.MatchString(r.ID) {
		p.addf("id %q is not a GUID in lower case", r.ID)
	}
	if r.Name != fileStem(r.File) {
		p.addf("name %q is not the file's name", r.Name)
	}
	p.need("version", r.Version)
	oneOf(p, "category", r.Category, categories)
	if len(r.Types) == 0 {
		p.addf("types is empty")
	}
}

func (r *Recommendation) checkTexts(p *problems) {
	p.need("title", r.Title)
	p.need("description", r.Description)
	p.need("threat", r.Threat)
	p.need("impactNote", r.ImpactNote)
	oneOf(p, "severity", r.Severity, severities)
	oneOf(p, "effort", r.Effort, levels)
	oneOf(p, "userImpact", r.UserImpact, levels)
	for _, t := range r.Threats {
		oneOf(p, "threats", t, threatWords)
	}
	for _, t := range r.Tactics {
		oneOf(p, "tactics", t, tacticWords)
	}
	for _, t := range r.Techniques {
		if !techniqueShape.MatchString(t) {
			p.addf("technique %q is not an ATT&CK id", t)
		}
	}
}

func (r *Recommendation) checkPolicy(p *problems) {
	oneOf(p, "effect", r.Effect, effects)
	if !isObject(r.If) {
		p.addf("if is not an object")
	}
	if r.Effect == "auditIfNotExists" && !isObject(r.Details) {
		p.addf("auditIfNotExists needs details")
	}
	oneOf(p, "findingsOf", r.FindingsOf, []string{"", FindingsOfBaseline, FindingsOfReport})
	if r.FindingsOf == FindingsOfReport && r.Details == nil {
		p.addf("findingsOf report needs the details that name the report")
	}
	if r.Effect == "audit" && r.Details != nil {
		p.addf("audit takes no details")
	}
	if r.ApplicableWhen != nil && !isObject(r.ApplicableWhen) {
		p.addf("applicableWhen is not an object")
	}
	if r.Parameters == nil {
		return
	}
	var parameters map[string]parameter
	if err := json.Unmarshal(r.Parameters, &parameters); err != nil {
		p.addf("parameters: %v", err)
	}
	if _, taken := parameters["effect"]; taken {
		p.addf("parameter effect is added by the reader, do not declare it")
	}
}

func (r *Recommendation) checkRemediation(p *problems) {
	m := &r.Remediation
	if len(m.Steps) == 0 {
		p.addf("remediation has no steps")
	}
	if m.Expect != nil && (r.Details == nil || m.Az+m.Shell+m.Terraform == "") {
		p.addf("remediation.expect needs details and a command that leads to it")
	}
	if create := m.Create; create != nil {
		var child struct{ ID, Type string }
		if json.Unmarshal(create, &child) != nil || !strings.HasPrefix(child.ID, "{id}") || child.Type == "" {
			p.addf("remediation.create needs a type and an id that begins with {id}")
		}
	}
}

func (r *Recommendation) checkExamples(p *problems) {
	found := make(map[string]bool)
	for i, e := range r.Examples {
		oneOf(p, "example "+e.Name+": want", e.Want, wants)
		found[e.Want] = true
		if _, err := r.Body(i); err != nil {
			p.addf("%v", err)
		}
	}
	if !found["healthy"] || !found["unhealthy"] {
		p.addf("examples need at least one healthy and one unhealthy resource")
	}
}

// check checks what holds between files.
func (l *Library) check() error {
	p := &problems{file: "content"}
	ids, names, titles := make(map[string]string), make(map[string]string), make(map[string]string)
	numbers := l.controlNumbers()
	for _, s := range l.Standards {
		if err := s.Check(func(id string) bool { return l.byID[id] != nil }); err != nil {
			p.file = "standard " + s.ID
			p.addf("%v", err)
		}
	}
	for _, r := range l.Recommendations {
		p.file = r.File
		if other, ok := ids[strings.ToLower(r.ID)]; ok {
			p.addf("id %s is also that of %s", r.ID, other)
		}
		if other, ok := names[r.Name]; ok {
			p.addf("name %s is also that of %s", r.Name, other)
		}
		if other, ok := titles[r.Title]; ok {
			p.addf("title is also that of %s: people could not tell them apart", other)
		}
		ids[strings.ToLower(r.ID)], names[r.Name], titles[r.Title] = r.File, r.File, r.File
		if l.controls[r.Control] == nil {
			p.addf("no control %q", r.Control)
		}
		checkStandards(p, r, numbers)
	}
	for _, producer := range l.Producers {
		p.file = "producers.tsv"
		if l.Recommendation(producer.Recommendation) == nil {
			p.addf("no recommendation %s", producer.Recommendation)
		}
	}
	return errors.Join(p.errs...)
}

// controlNumbers lists the numbers of every standard.
func (l *Library) controlNumbers() map[string]map[string]bool {
	numbers := make(map[string]map[string]bool, len(l.Standards))
	for _, s := range l.Standards {
		numbers[s.ID] = make(map[string]bool, len(s.Controls))
		for _, c := range s.Controls {
			numbers[s.ID][c.Number] = true
		}
	}
	return numbers
}

func checkStandards(p *problems, r *Recommendation, numbers map[string]map[string]bool) {
	for standard, list := range r.Standards {
		known, ok := numbers[standard]
		if !ok {
			p.addf("no standard %q", standard)
			continue
		}
		for _, number := range list {
			if !known[number] {
				p.addf("standard %s has no control %q", standard, number)
			}
		}
	}
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }
