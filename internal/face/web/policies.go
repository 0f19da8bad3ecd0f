package web

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// InitiativeID is the id of the built-in initiative.
const InitiativeID = "/providers/Microsoft.Authorization/policySetDefinitions/1f3afdf9-d0c9-4c3d-847f-89da613e70a8"

// objectRows bounds the control objects of one kind that a page reads.
const objectRows = 5000

// partRows is how many rows each part of the policies page shows at a time: there
// are five, and the page has to be small however much there is.
const partRows = 20

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
	Off         bool           // only members that are switched off
	Own         []policyObject // definitions, then initiatives
	Exemptions  []exemptionRow
	Rules       []ruleRow // that disable findings
	Waiting     int       // exemptions that wait for approval
	Cut         int       // there are more exemptions than these; 0: all were read
	Ticket      string    // of the exemptions that are shown
	ExemptState string    // likewise
	CanWrite    bool
	CanExempt   bool
	Readable    bool // control objects can be read here
	// The pages of the parts, and how much each has without search words.
	AssignPager, OwnPager, ExemptPager, RulePager pager
}

// memberRow is one member of the built-in initiative.
type memberRow struct {
	*record.Recommendation
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
	assigned, err := v.policyObjects("policyAssignment")
	if err != nil {
		return page{}, err
	}
	p.Assignments, p.AssignPager = part(v, "assignments", withWords(assigned, p.Text))
	own, err := v.policyObjects("policyDefinition")
	if err != nil {
		return page{}, err
	}
	sets, err := v.policyObjects("policySetDefinition")
	if err != nil {
		return page{}, err
	}
	p.Own, p.OwnPager = part(v, "own", withWords(append(own, sets...), p.Text))
	if err := p.readExemptions(v); err != nil {
		return page{}, err
	}
	p.Exemptions, p.ExemptPager = part(v, "exemptions", withWords(p.Exemptions, p.Text))
	rules, err := v.findingRules()
	p.Rules, p.RulePager = part(v, "finding-rules", withWords(rules, p.Text))
	return page{name: "policies", data: p}, err
}

// part cuts one page out of the rows of a part, named by its id. Where it begins
// is in the address, so every part is paged by itself.
func part[T any](v *visit, id string, rows []T) ([]T, pager) {
	from, err := strconv.Atoi(v.Get(id))
	if err != nil || from < 1 || from > len(rows) {
		from = 1
	}
	to := min(from-1+partRows, len(rows))
	p := pager{From: min(from, len(rows)), To: to, Total: len(rows)}
	if from > 1 {
		p.First = v.Here(id, "")
	}
	if to < len(rows) {
		p.Next = v.Here(id, strconv.Itoa(to+1))
	}
	return rows[p.From-min(1, p.From) : to], p
}

// Here is this page with one part at another place, and the rest as it is.
func (v *visit) Here(id, from string) string {
	q := v.copy()
	set(q, []string{id, from})
	return v.join(v.path, q) + "#" + id
}

// worded is a row that search words can find.
type worded interface{ words() string }

// withWords keeps the rows that hold every word of a text.
func withWords[T worded](rows []T, text string) []T {
	if strings.TrimSpace(text) == "" {
		return rows
	}
	return slices.DeleteFunc(rows, func(r T) bool { return !hasWords(r.words(), text) })
}

func (o policyObject) words() string {
	return o.Title + " " + o.Name + " " + o.Category + " " + o.ID + " " + o.Target
}

func (r exemptionRow) words() string {
	words := r.Title + " " + r.Note + " " + r.Category + " " + r.Ticket + " " + r.ID
	for _, x := range r.Recommendations {
		words += " " + x.Title
	}
	return words
}

func (r ruleRow) words() string {
	words := r.Name + " " + r.Reason + " " + r.Object.ID
	if r.Recommendation != nil {
		words += " " + r.Recommendation.Title
	}
	return words
}

// readMembers reads one page of the built-in initiative's members, by title; the
// cursor is the id of the last one of the page before.
func (p *policiesPage) readMembers(v *visit) error {
	var all []*record.Recommendation
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
	slices.SortFunc(all, func(a, b *record.Recommendation) int {
		return cmp.Or(strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID))
	})
	first := 0
	if after := v.Get("after"); after != "" {
		first = slices.IndexFunc(all, func(r *record.Recommendation) bool { return r.ID == after }) + 1
		if first == 0 {
			return arm.Invalid("The list no longer holds where this page begins; start at its first page.")
		}
	}
	last, next := min(first+partRows, len(all)), ""
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
func matches(r *record.Recommendation, text string) bool {
	return hasWords(r.Title+" "+r.Content.Name+" "+r.Content.Category, text)
}

func hasWords(where, text string) bool {
	where = strings.ToLower(where)
	for _, word := range strings.Fields(strings.ToLower(text)) {
		if !strings.Contains(where, word) {
			return false
		}
	}
	return true
}

func newMember(r *record.Recommendation) memberRow {
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
