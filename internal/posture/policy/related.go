package policy

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Reach says where related resources are looked for.
type Reach uint8

// The reaches of a Query.
const (
	// ReachChildren is everything below the id: nested types.
	ReachChildren Reach = iota + 1
	// ReachExtensions is what hangs on the id directly.
	ReachExtensions
	// ReachGroup is the resource group with the id.
	ReachGroup
	// ReachSubscription is the subscription with the id.
	ReachSubscription
)

// Query asks for related resources.
type Query struct {
	Type  string
	Reach Reach
	Scope arm.ID
	// Name restricts to resources of that name or full name; a segment "?"
	// stands for any. "" takes all.
	Name string
	// Kind restricts by the resource's kind; "" takes all.
	Kind string
}

// extensionTypes hang on a resource's id without being nested in its type.
var extensionTypes = map[string]bool{
	"microsoft.insights/diagnosticsettings":                         true,
	"microsoft.insights/datacollectionruleassociations":             true,
	"microsoft.security/assessments":                                true,
	"microsoft.security/assessments/subassessments":                 true,
	"microsoft.security/complianceresults":                          true,
	"microsoft.security/advancedthreatprotectionsettings":           true,
	"microsoft.security/defenderforstoragesettings":                 true,
	"microsoft.security/sqlvulnerabilityassessments":                true,
	"microsoft.security/sqlvulnerabilityassessments/baselinerules":  true,
	"microsoft.security/devicesecuritygroups":                       true,
	"microsoft.security/baselineresults":                            true,
	"microsoft.security/machineinventories":                         true,
	"microsoft.guestconfiguration/guestconfigurationassignments":    true,
	"microsoft.maintenance/configurationassignments":                true,
	"microsoft.automanage/configurationprofileassignments":          true,
	"microsoft.authorization/locks":                                 true,
	"microsoft.eventgrid/eventsubscriptions":                        true,
	"microsoft.kubernetesconfiguration/extensions":                  true,
	"microsoft.kubernetesconfiguration/fluxconfigurations":          true,
	"microsoft.kubernetesconfiguration/sourcecontrolconfigurations": true,
	"microsoft.azurestackhci/virtualmachineinstances":               true,
	"microsoft.policyinsights/remediations":                         true,
	"microsoft.servicelinker/linkers":                               true,
	"microsoft.connectedvmwarevsphere/virtualmachineinstances":      true,
	"microsoft.scvmm/virtualmachineinstances":                       true,
	"microsoft.hybridconnectivity/endpoints":                        true,
	"microsoft.recoveryservices/backupprotecteditems":               true,
	"microsoft.chaos/targets":                                       true,
	"microsoft.chaos/targets/capabilities":                          true,
}

// IsExtensionType reports whether resources of a type hang on the id of
// another resource without being nested in its type.
func IsExtensionType(resourceType string) bool {
	t := folded(resourceType)
	return extensionTypes[t] || strings.HasPrefix(t, "microsoft.security/") && !subscriptionTypes[t]
}

// subscriptionTypes exist once or few times in a subscription.
var subscriptionTypes = map[string]bool{
	"microsoft.security/pricings": true, "microsoft.security/securitycontacts": true,
	"microsoft.security/autoprovisioningsettings": true, "microsoft.security/workspacesettings": true,
	"microsoft.security/settings": true, "microsoft.security/automations": true,
}

// Reach says where the related type of the details is looked for when the if
// is about a resource of the given type. It is the part of the lookup that
// does not depend on the resource.
func (d *Details) Reach(ifType string) Reach {
	switch typ, of := folded(d.Type), folded(ifType); {
	case of == folded(arm.TypeSubscription):
		if extensionTypes[typ] {
			return ReachExtensions
		}
		return ReachSubscription
	case strings.HasPrefix(typ, of+"/"):
		return ReachChildren
	case d.SubscriptionScope:
		return ReachSubscription
	case d.ResourceGroupName != nil:
		return ReachGroup
	case typ != of && IsExtensionType(typ):
		return ReachExtensions
	}
	return ReachGroup
}

// Selects reports whether a resource answers the query.
func (q Query) Selects(r *Resource) bool {
	if !equalFold(r.Type, q.Type) || !r.ID.Within(q.Scope) {
		return false
	}
	if q.Reach == ReachExtensions {
		if parent, ok := r.ID.Parent(); !ok || !parent.Equal(q.Scope) && !(strings.Count(q.Type, "/") > 1) {
			return false
		}
	}
	if q.Kind != "" && !equalFold(q.Kind, r.Body.Get("kind").Str) {
		return false
	}
	return q.Name == "" || matchesName(q.Name, r)
}

// matchesName compares a details name with the last segment or, if it has
// several, with the end of the full name.
func matchesName(want string, r *Resource) bool {
	full := strings.Split(r.FullName().Str, "/")
	segments := strings.Split(want, "/")
	if len(segments) > len(full) {
		return false
	}
	full = full[len(full)-len(segments):]
	for i, s := range segments {
		if s != "?" && !equalFold(s, full[i]) {
			return false
		}
	}
	return true
}

// Resources is an Estate over a list: every question looks at every document.
// It is what small runs and tests need, and the oracle for indexed estates.
type Resources []*Resource

// Resource implements Estate.
func (list Resources) Resource(id arm.ID) *Resource {
	for _, r := range list {
		if r.ID.Name() != "" && r.ID.Equal(id) {
			return r
		}
	}
	return nil
}

// Related implements Estate.
func (list Resources) Related(q Query) ([]*Resource, error) {
	var out []*Resource
	for _, r := range list {
		if q.Selects(r) {
			out = append(out, r)
		}
	}
	return out, nil
}

// query computes the lookup for one resource. open is the declaration that
// makes a part of it unknown.
func (r *run) query(d *Details) (q Query, open string, err error) {
	q = Query{Type: d.Type, Reach: d.Reach(r.root.Type), Scope: r.root.ID}
	switch q.Reach {
	case ReachSubscription:
		q.Scope, err = arm.ParseID(r.root.ID.SubscriptionID() + "/")
	case ReachGroup:
		q.Scope, open, err = r.groupScope(d)
	}
	if err != nil || open != "" {
		return q, open, err
	}
	if q.Name, open, err = r.optionalText(d.Name); err != nil || open != "" {
		return q, open, err
	}
	q.Kind, open, err = r.optionalText(d.Kind)
	return q, open, err
}

func (r *run) groupScope(d *Details) (id arm.ID, open string, err error) {
	name, open, err := r.optionalText(d.ResourceGroupName)
	if err != nil || open != "" {
		return id, open, err
	}
	if name == "" {
		scope := r.root.ID.ResourceGroupID()
		if scope == "" {
			scope = r.root.ID.SubscriptionID() // a resource outside groups
		}
		id, err = arm.ParseID(scope + "/")
		return id, "", err
	}
	id, err = arm.ParseID(r.root.ID.SubscriptionID() + "/resourceGroups/" + name)
	return id, "", err
}

// optionalText evaluates a text of the details, "" for an absent one.
func (r *run) optionalText(e Expr) (text, open string, err error) {
	if e == nil {
		return "", "", nil
	}
	v, err := r.expr(e, nil)
	switch {
	case err != nil:
		return "", "", err
	case v.Kind == Unavailable:
		return "", v.Str, nil
	case v.Kind == String:
		return v.Str, "", nil
	}
	return "", "", fmt.Errorf("the details of the lookup give %s where a text is needed", v.Kind)
}
