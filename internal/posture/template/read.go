package template

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Limits of one template. Documented ones where there are any: 800 copies of a
// loop, 5 levels of nesting for linked templates; ours are wider for nesting.
const (
	maxCopies    = 800
	maxNesting   = 16
	maxResources = 10_000
	maxSteps     = 2_000_000 // evaluated values
)

// Where resources are put if nobody says where a template is deployed to.
const (
	NoSubscription  = "00000000-0000-0000-0000-000000000000"
	NoResourceGroup = "template"
)

// Options say where a template is deployed to, and what the judge looks at.
type Options struct {
	// Subscription (a GUID) and ResourceGroup become part of the ids; empty ones
	// are replaced by NoSubscription and NoResourceGroup.
	Subscription  string
	ResourceGroup string
	// Parameters is an ARM parameter file, or an object of plain values; it may
	// be empty. Terraform plans have no use for it.
	Parameters []byte
	// Reads lists what the policies read of a type (policy.Reads): paths of the
	// body, and related types. What of it a Terraform resource does not say is
	// declared unavailable. nil declares nothing beyond what is known to be
	// unresolved.
	Reads func(resourceType string) []string
}

// Result is what a template would deploy.
type Result struct {
	// Kind is "terraform" or "arm".
	Kind      string
	Documents []wire.Document
	// Problems are the parts that could not be read; they are not in Documents.
	Problems []Problem
}

// Problem is one part of a template that could not be read.
type Problem struct {
	Path   string // JSON path, or the Terraform address
	Reason string
}

// Read reads a Terraform plan (`terraform show -json`) or an ARM template. The
// error is for input that is neither; parts that cannot be read are problems
// of the result.
func Read(data []byte, opt Options) (*Result, error) {
	v, err := policy.ParseValue(data)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	if opt.Subscription == "" {
		opt.Subscription = NoSubscription
	}
	if opt.ResourceGroup == "" {
		opt.ResourceGroup = NoResourceGroup
	}
	switch {
	case v.Get("format_version").Kind == policy.String:
		return readPlan(v, opt), nil
	case strings.Contains(strings.ToLower(v.Get("$schema").Str), "deploymenttemplate.json"), v.Get("contentVersion").Kind == policy.String:
		return readARM(v, opt)
	}
	return nil, fmt.Errorf("read template: it is neither a Terraform plan as JSON nor an ARM template")
}

// runtimeTypes are related types that exist only after deployment, because an
// agent or a service writes them: a template can say nothing about them.
var runtimeTypes = []string{
	"microsoft.guestconfiguration/", "microsoft.security/assessments", "microsoft.security/complianceresults", "microsoft.policyinsights/",
}

func runtimeType(resourceType string) bool {
	t := strings.ToLower(resourceType)
	for _, prefix := range runtimeTypes {
		if strings.HasPrefix(t, prefix) {
			return true
		}
	}
	return false
}
