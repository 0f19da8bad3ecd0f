package policy

import "strings"

// Documents that the product itself hangs on a resource: what the internet can
// reach of it, reports of scanners, and the results of the host baseline. They
// are facts about the resource. Only definitions that ask for them judge them,
// by metadata.rampart.ownDocuments, as the product's own content does.
const (
	ownNamespace = "microsoft.security/"
	baselineType = "microsoft.guestconfiguration/guestconfigurationassignments"
	baselineName = "RampartBaseline"
)

// isOwnType reports whether all documents of a folded type are the product's
// own: Microsoft.Security/exposures and its reports (all but healthReports,
// which the service itself has).
func isOwnType(typ string) bool {
	name, ok := strings.CutPrefix(typ, ownNamespace)
	return ok && (name == "exposures" || strings.HasSuffix(name, "reports") && name != "healthreports" && !strings.Contains(name, "/"))
}

// HiddenName is the name of the documents of a type that the definition does not
// judge because they are the product's own; "" if there are none.
func (b *Bound) HiddenName(resourceType string) string {
	if b.Definition.OwnDocuments || folded(resourceType) != baselineType {
		return ""
	}
	return baselineName
}

// hides reports whether a document is the product's own and the definition does
// not judge those.
func (b *Bound) hides(r *Resource) bool {
	typ := folded(r.Type)
	if b.Definition.OwnDocuments {
		return false
	}
	return isOwnType(typ) || typ == baselineType && equalFold(r.ID.Name(), baselineName)
}
