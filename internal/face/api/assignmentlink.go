package api

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// assignmentLink is how a definition is assigned: by itself, or as a member of
// an initiative.
type assignmentLink struct {
	assignment *object
	scope      arm.ID
	notScopes  []arm.ID
	setID      string
	reference  string
	groups     []string // of the initiative, that the member is in
}

// assignmentLinks are the ways in which a tenant's definitions are assigned, by
// folded definition id.
type assignmentLinks struct {
	byDefinition map[string][]assignmentLink
}

// assignmentLinks reads all assignments of the caller's tenant and the
// initiatives that they name.
func (a *API) assignmentLinks(r *request) (*assignmentLinks, error) {
	links := &assignmentLinks{byDefinition: map[string][]assignmentLink{}}
	err := a.Store.View(r.Context(), func(tx *store.Tx) error {
		c := &change{api: a, req: r, tx: tx}
		all, err := readObjects(r.Context(), c, kindAssignment, "")
		if err != nil {
			return err
		}
		for _, o := range all {
			if err := links.add(c, o); err != nil {
				return err
			}
		}
		return nil
	})
	return links, err
}

func (l *assignmentLinks) add(c *change, o *object) error {
	scope, err := arm.ParseID(scopeOf(o.ID))
	if err != nil {
		return nil // nothing lies within a scope that is none
	}
	link := assignmentLink{assignment: o, scope: scope}
	items, _ := o.Properties["notScopes"].([]any)
	for _, item := range items {
		text, _ := item.(string)
		if id, err := arm.ParseID(text); err == nil {
			link.notScopes = append(link.notScopes, id)
		}
	}
	definitionID, _ := o.Properties["policyDefinitionId"].(string)
	initiative, err := c.initiative(definitionID)
	if isStatus(err, 400) {
		return nil // it names what is gone; posture shows that, here it has no states
	}
	if err != nil {
		return err
	}
	if initiative == nil {
		l.link(definitionID, link)
		return nil
	}
	link.setID = definitionID
	for _, member := range initiative.Members {
		link.reference, link.groups = member.ID, member.Groups
		l.link(member.DefinitionID, link)
	}
	return nil
}

func (l *assignmentLinks) link(definitionID string, link assignmentLink) {
	key := arm.Fold(definitionID)
	l.byDefinition[key] = append(l.byDefinition[key], link)
}

// initiative is the initiative that an id names, nil if it names a definition.
func (c *change) initiative(id string) (*policy.Initiative, error) {
	if initiative := c.api.builtIn.initiatives[arm.Fold(id)]; initiative != nil {
		return initiative, nil
	}
	if strings.Contains(arm.Fold(id), "/policydefinitions/") {
		return nil, nil
	}
	_, initiative, err := c.policyDocument(c.req.Context(), id, "properties.policyDefinitionId")
	return initiative, err
}

// of are the assignments that an assessment comes from.
func (l *assignmentLinks) of(x *record.Assessment) []assignmentLink {
	id, err := arm.ParseID(x.ResourceID)
	if err != nil {
		return nil
	}
	var mine []assignmentLink
	for _, link := range l.byDefinition[arm.Fold(x.Recommendation.DefinitionID)] {
		if link.covers(id) {
			mine = append(mine, link)
		}
	}
	return mine
}

func (link *assignmentLink) covers(id arm.ID) bool {
	// Management groups are not part of the ids below them; what posture judged
	// by an assignment up there is taken to lie within it.
	if !id.Within(link.scope) && link.scope.Type() != arm.TypeManagementGroup {
		return false
	}
	for _, not := range link.notScopes {
		if id.Within(not) {
			return false
		}
	}
	return true
}

// effect is what the definition does with a resource that it finds wanting.
func (link *assignmentLink) effect(x *record.Assessment) string {
	if x.Recommendation.Content != nil {
		return arm.Fold(x.Recommendation.Content.Effect)
	}
	return "audit"
}
