package api

import (
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// importResult is what an import answers. Rejected holds the first rejections,
// RejectedTotal counts all.
type importResult struct {
	Created       int         `json:"created"`
	Updated       int         `json:"updated"`
	Unchanged     int         `json:"unchanged"`
	Stale         int         `json:"stale"`
	Deleted       int         `json:"deleted"`
	Rejected      []rejection `json:"rejected"`
	RejectedTotal int         `json:"rejectedTotal"`
	// Template is where an ARM template's resources were put, if there was one.
	Template *placed `json:"template,omitempty"`
}

// placed tells where resources without a place of their own were put; Assumed
// that nobody named it.
type placed struct {
	ResourceGroup string `json:"resourceGroup"`
	Assumed       bool   `json:"assumed"`
}

type rejection struct {
	Line   int    `json:"line"`
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason"`
}

// maxSource bounds the name of a source.
const maxSource = 64

// importResources takes a stream of resources: JSON Lines, an array, or the
// answer of a list command. Each is judged alone; what is wrong is listed with
// its line, and the others land. An ARM template is deployed to what the options
// subscription and resourceGroup name.
func (a *API) importResources(r *request) (response, error) {
	source := r.option("source")
	if source == "" {
		source = "import"
	}
	if source == store.SourceInventory || source == store.SourcePlans {
		return response{}, arm.Invalid("source: %q is a name of this server's own; use another.", source)
	}
	if len(source) > maxSource {
		return response{}, arm.Invalid("source: it is longer than %d characters.", maxSource)
	}
	group, err := inventory.TemplateGroup(r.option("subscription"), r.option("resourceGroup"))
	if err != nil {
		return response{}, err
	}
	result, err := a.Inventory.Import(r.Context(), r.tenant(), r.Body, inventory.ImportOptions{Source: source, Group: group})
	if err != nil {
		return response{}, err
	}
	if err := a.auditAction(r, fmt.Sprintf("%d accepted, %d rejected", result.Accepted(), result.RejectedTotal)); err != nil {
		return response{}, err
	}
	return ok(importBody(&result))
}

func importBody(result *inventory.Result) importResult {
	body := importResult{Created: result.Created, Updated: result.Updated, Unchanged: result.Unchanged,
		Stale: result.Stale, Deleted: result.Deleted, Rejected: []rejection{}, RejectedTotal: result.RejectedTotal}
	if t := result.Template; t.Group != "" {
		body.Template = &placed{t.Group, t.Assumed}
	}
	for _, x := range result.Rejected {
		body.Rejected = append(body.Rejected, rejection{Line: x.Line, ID: x.ID, Reason: x.Reason})
	}
	return body
}
