package web

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/posture"
	"github.com/rampart-sec/rampart/internal/store"
)

// InitiativeID is the id of the built-in initiative.
const InitiativeID = "/providers/Microsoft.Authorization/policySetDefinitions/1f3afdf9-d0c9-4c3d-847f-89da613e70a8"

// objectRows bounds the control objects of one kind on a page.
const objectRows = 500

// policiesPage shows what is judged by: assignments, the members of the
// built-in initiative, own definitions and exemptions.
type policiesPage struct {
	*frame
	Assignments []policyObject
	Members     []memberRow // one page of them
	Pager       pager
	Total       int
	Disabled    int
	Text        string
	Off         bool // only members that are switched off
	Own         []policyObject
	Sets        []policyObject
	Exemptions  []exemptionRow
	Rules       []ruleRow // that disable findings
	Waiting     int       // exemptions that wait for approval
	Cut         int       // there are more exemptions than these; 0: all were read
	Ticket      string    // of the exemptions that are shown
	ExemptState string    // likewise
	CanWrite    bool
	CanExempt   bool
	Readable    bool // control objects can be read here
}

// memberRow is one member of the built-in initiative.
type memberRow struct {
	*posture.Recommendation
	Effect     string
	Parameters []string // names, beside the effect
}

// policyObject is a control object with what lists show of it.
type policyObject struct {
	store.Object
	Name, Title, Scope, Target, Category string
	Parameters                           int
}

// objectBody is the part of an ARM policy object that pages read.
type objectBody struct {
	Name       string `json:"name"`
	Properties struct {
		DisplayName        string                     `json:"displayName"`
		Description        string                     `json:"description"`
		PolicyDefinitionID string                     `json:"policyDefinitionId"`
		AssignmentID       string                     `json:"policyAssignmentId"`
		References         []string                   `json:"policyDefinitionReferenceIds"`
		Category           string                     `json:"exemptionCategory"`
		ExpiresOn          string                     `json:"expiresOn"`
		Parameters         map[string]json.RawMessage `json:"parameters"`
		Metadata           struct {
			Category string `json:"category"`
		} `json:"metadata"`
	} `json:"properties"`
}

func policies(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	p := &policiesPage{frame: v.newFrame("Policies", "assignments", "members", "own", "exemptions", "finding-rules"), Text: v.Get("q"), Off: v.Get("effect") == "disabled", Readable: v.server.opt.Objects != nil,
		CanExempt: v.may(actionExempt, v.scope.ID)}
	if _, err := v.switchScopes(); err == nil && p.Readable {
		p.CanWrite = v.may(actionAssign, v.scope.ID)
	}
	if err := p.readMembers(v); err != nil {
		return page{}, err
	}
	if !p.Readable {
		return page{name: "policies", data: p}, nil
	}
	var err error
	if p.Assignments, err = v.policyObjects("policyAssignment"); err != nil {
		return page{}, err
	}
	if p.Own, err = v.policyObjects("policyDefinition"); err != nil {
		return page{}, err
	}
	if p.Sets, err = v.policyObjects("policySetDefinition"); err != nil {
		return page{}, err
	}
	if err := p.readExemptions(v); err != nil {
		return page{}, err
	}
	p.Rules, err = v.findingRules()
	return page{name: "policies", data: p}, err
}

// readMembers reads one page of the built-in initiative's members, by title; the
// cursor is the id of the last one of the page before.
func (p *policiesPage) readMembers(v *visit) error {
	var all []*posture.Recommendation
	for _, r := range v.view.AllRecommendations() {
		if r.Content == nil {
			continue
		}
		p.Total++
		if r.Disabled {
			p.Disabled++
		}
		if matches(r, p.Text) && (r.Disabled || !p.Off) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *posture.Recommendation) int {
		return cmp.Or(strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID))
	})
	first := 0
	if after := v.Get("after"); after != "" {
		first = slices.IndexFunc(all, func(r *posture.Recommendation) bool { return r.ID == after }) + 1
		if first == 0 {
			return arm.Invalid("The list no longer holds where this page begins; start at its first page.")
		}
	}
	last, next := min(first+listRows, len(all)), ""
	if last < len(all) {
		next = all[last-1].ID
	}
	for _, r := range all[first:last] {
		p.Members = append(p.Members, newMember(r))
	}
	p.Pager = v.newPager(len(p.Members), len(all), next).at("#members")
	return nil
}

// matches reports whether a recommendation holds every word of a text.
func matches(r *posture.Recommendation, text string) bool {
	where := strings.ToLower(r.Title + " " + r.Content.Name + " " + r.Content.Category)
	for _, word := range strings.Fields(strings.ToLower(text)) {
		if !strings.Contains(where, word) {
			return false
		}
	}
	return true
}

func newMember(r *posture.Recommendation) memberRow {
	m := memberRow{Recommendation: r, Effect: r.Content.Effect}
	if r.Disabled {
		m.Effect = "disabled"
	}
	var parameters map[string]json.RawMessage
	if json.Unmarshal(r.Content.Parameters, &parameters) == nil { // content is validated; absent is no object
		for name := range parameters {
			if !strings.EqualFold(name, "effect") {
				m.Parameters = append(m.Parameters, name)
			}
		}
	}
	slices.Sort(m.Parameters)
	return m
}

// policyObjects reads the control objects of one kind within the scope.
func (v *visit) policyObjects(kind string) ([]policyObject, error) {
	objects, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: kind, Prefix: arm.Fold(v.scope.ID), Limit: objectRows})
	if err != nil {
		return nil, err
	}
	rows := make([]policyObject, 0, len(objects))
	for _, o := range objects {
		body := readBody(o)
		// What is assigned by itself carries its subscription's id in its title;
		// its scope says that with a name.
		scope := scopeOf(o.ID)
		title := strings.TrimSuffix(firstOf(body.Properties.DisplayName, body.Name, resourceName(o.ID)), ": "+resourceName(scope))
		rows = append(rows, policyObject{Object: o, Name: body.Name, Title: title, Scope: scope, Target: body.Properties.PolicyDefinitionID, Category: body.Properties.Metadata.Category, Parameters: len(body.Properties.Parameters)})
	}
	return rows, nil
}

// readBody reads the known part of an object; a body of another shape shows as
// its id alone.
func readBody(o store.Object) objectBody {
	var body objectBody
	if json.Unmarshal(o.Body, &body) != nil {
		return objectBody{}
	}
	return body
}

// scopeOf is the id that a control object is attached to.
func scopeOf(id string) string {
	i := strings.LastIndex(arm.Fold(id), "/providers/microsoft.")
	if i <= 0 {
		return ""
	}
	return id[:i]
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
