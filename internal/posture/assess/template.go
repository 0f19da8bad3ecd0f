package assess

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/template"
)

// TemplateFile is one Terraform plan as JSON or ARM template.
type TemplateFile struct {
	Name string
	Data []byte
}

// TemplateOptions say what is judged and where it would be deployed to. Files
// and Now must be set.
type TemplateOptions struct {
	Files         []TemplateFile
	Parameters    []byte   // ARM parameter file for all of them, may be empty
	Subscription  string   // GUID or id, "" stands for an all-zero one
	ResourceGroup string   // "" stands for "template"
	Policies      []string // folders of further policy definitions
	Aliases       *policy.Aliases
	Now           time.Time
}

// TemplateReport is the result; its JSON is the output of `rampart scan
// template --format json`.
type TemplateReport struct {
	Files     int               `json:"files"`
	Resources int               `json:"resources"`
	Healthy   int               `json:"healthy"`
	Unhealthy int               `json:"unhealthy"`
	Unknown   int               `json:"unknown"`
	Findings  []TemplateFinding `json:"findings"` // unhealthy and unknown, worst first
	Problems  []TemplateProblem `json:"problems"`
}

// TemplateFinding is one recommendation that a planned resource does not meet,
// or that cannot be decided before deployment.
type TemplateFinding struct {
	File           string           `json:"file"`
	ResourceID     string           `json:"resourceId"`
	Recommendation string           `json:"recommendation"`
	Name           string           `json:"name"`
	Severity       content.Severity `json:"severity,omitempty"`
	State          string           `json:"state"` // unhealthy or unknown
	Reason         string           `json:"reason"`
}

// TemplateProblem is a part of a template, or a policy, that could not be used.
type TemplateProblem struct {
	File   string `json:"file"`
	Path   string `json:"path,omitempty"`
	Reason string `json:"reason"`
}

// templateRule is one bound definition with what is shown of it.
type templateRule struct {
	id, name string
	severity content.Severity
	bound    *policy.Bound
}

// ScanTemplates judges every file on its own by the built-in recommendations
// and the given policies. The tree walker does it: templates are small, and it
// has the reason at hand. The error is for what concerns all files.
func ScanTemplates(opt TemplateOptions) (*TemplateReport, error) {
	place, err := arm.ResourceGroup(cmp.Or(opt.Subscription, template.NoSubscription), cmp.Or(opt.ResourceGroup, template.NoResourceGroup))
	if err != nil {
		return nil, err
	}
	opt.Subscription, opt.ResourceGroup = place.Subscription(), place.Name()
	if opt.Aliases == nil {
		opt.Aliases = policy.NewAliases()
	}
	r := &TemplateReport{Files: len(opt.Files), Findings: []TemplateFinding{}, Problems: []TemplateProblem{}}
	rules, err := r.rules(opt.Policies, opt.Aliases)
	if err != nil {
		return nil, err
	}
	reads := readsOf(rules, opt.Aliases)
	for _, f := range opt.Files {
		result, err := template.Read(f.Data, template.Options{
			Subscription: opt.Subscription, ResourceGroup: opt.ResourceGroup, Parameters: opt.Parameters, Reads: reads,
		})
		if err != nil {
			r.Problems = append(r.Problems, TemplateProblem{File: f.Name, Reason: err.Error()})
			continue
		}
		for _, p := range result.Problems {
			r.Problems = append(r.Problems, TemplateProblem{File: f.Name, Path: p.Path, Reason: p.Reason})
		}
		r.judge(f.Name, result, rules, opt)
	}
	slices.SortStableFunc(r.Findings, func(a, b TemplateFinding) int {
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(a.ResourceID, b.ResourceID))
	})
	return r, nil
}

// rules binds the recommendations and the user's policies by their defaults.
func (r *TemplateReport) rules(dirs []string, aliases *policy.Aliases) ([]templateRule, error) {
	library, err := content.Load()
	if err != nil {
		return nil, fmt.Errorf("content: %w", err)
	}
	var out []templateRule
	add := func(rule templateRule, body []byte) error {
		d, err := policy.ParseDefinition(body)
		if err != nil {
			return err
		}
		if rule.bound, err = policy.Bind(d, nil, policy.Options{}); err != nil {
			return err
		}
		if rule.name == "" {
			rule.name = d.DisplayName
		}
		out = append(out, rule)
		return nil
	}
	for _, rec := range library.Recommendations {
		if err := add(templateRule{id: rec.ID, name: rec.Title, severity: rec.Severity}, rec.Definition()); err != nil {
			return nil, fmt.Errorf("recommendation %s: %w", rec.Name, err)
		}
	}
	if len(dirs) == 0 {
		return out, nil
	}
	failed, err := policy.EachDefinition(dirs, func(id string, body []byte) error {
		err := add(templateRule{id: id}, body)
		if err == nil {
			for _, w := range out[len(out)-1].bound.Definition.AliasWarnings(aliases) {
				r.Problems = append(r.Problems, TemplateProblem{File: id, Reason: w})
			}
		}
		return err
	})
	for _, f := range failed {
		r.Problems = append(r.Problems, TemplateProblem{File: f.File, Reason: f.Reason})
	}
	return out, err
}

// readsOf answers template.Options.Reads, once per type.
func readsOf(rules []templateRule, aliases *policy.Aliases) func(string) []string {
	bounds := make([]*policy.Bound, len(rules))
	for i, rule := range rules {
		bounds[i] = rule.bound
	}
	known := map[string][]string{}
	return func(typ string) []string {
		key := arm.Fold(typ)
		list, ok := known[key]
		if !ok {
			list = policy.Reads(bounds, aliases, typ)
			known[key] = list
		}
		return list
	}
}

func (r *TemplateReport) judge(file string, result *template.Result, rules []templateRule, opt TemplateOptions) {
	estate := templateEstate{}
	var list []*policy.Resource
	for _, doc := range result.Documents {
		res, err := policy.NewResource(doc)
		if err != nil {
			r.Problems = append(r.Problems, TemplateProblem{File: file, Path: doc.ID, Reason: err.Error()})
			continue
		}
		list = append(list, res)
		key := arm.Fold(res.Type)
		estate[key] = append(estate[key], res)
	}
	r.Resources += len(list)
	e := &policy.Evaluator{Aliases: opt.Aliases, Estate: estate, Now: opt.Now}
	for _, rule := range rules {
		if e.Inapplicable(rule.bound) != "" {
			continue
		}
		for _, res := range list {
			r.add(file, res, rule, e.Evaluate(rule.bound, res, policy.Environment{}))
		}
	}
}

func (r *TemplateReport) add(file string, res *policy.Resource, rule templateRule, v policy.Verdict) {
	f := TemplateFinding{
		File: file, ResourceID: res.ID.String(), Recommendation: rule.id, Name: rule.name, Severity: rule.severity,
		State: "unknown", Reason: v.Reason,
	}
	switch v.State {
	case policy.NotApplicable:
		return
	case policy.Compliant:
		r.Healthy++
		return
	case policy.NonCompliant:
		r.Unhealthy++
		f.State = "unhealthy"
	default:
		r.Unknown++
	}
	r.Findings = append(r.Findings, f)
}

// FoundAtLeast reports whether something unhealthy is of this severity or
// worse; further policies have no severity and always count.
func (r *TemplateReport) FoundAtLeast(threshold content.Severity) bool {
	return slices.ContainsFunc(r.Findings, func(f TemplateFinding) bool {
		return f.State == "unhealthy" && (f.Severity == "" || rank(f.Severity) <= rank(threshold))
	})
}

// rank orders severities, worst first; none comes last.
func rank(s content.Severity) int {
	order := []content.Severity{content.Critical, content.High, content.Medium, content.Low}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

// templateEstate is the template's resources by folded type.
type templateEstate map[string][]*policy.Resource

// Resource implements policy.Estate.
func (e templateEstate) Resource(id arm.ID) *policy.Resource {
	return policy.Resources(e[arm.Fold(id.Type())]).Resource(id)
}

// Related implements policy.Estate.
func (e templateEstate) Related(q policy.Query) ([]*policy.Resource, error) {
	return policy.Resources(e[arm.Fold(q.Type)]).Related(q)
}
