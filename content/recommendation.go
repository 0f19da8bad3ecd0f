package content

import (
	"encoding/json"

	"github.com/rampart-sec/rampart/content/baselines"
)

// Severity of a recommendation or a baseline check.
type Severity = baselines.Severity

// The severities, worst first.
const (
	Critical = baselines.Critical
	High     = baselines.High
	Medium   = baselines.Medium
	Low      = baselines.Low
)

// The producers of findings.
const (
	FindingsOfBaseline = "baseline" // the failed checks of a machine's baseline
	FindingsOfReport   = "report"   // what a scanner lists in the report that the policy reads
)

// Recommendation is one file of content/policies: a hardening task with its
// policy logic, texts, fix and examples. JSON-valued fields are written as
// YAML in the file and kept as JSON here.
type Recommendation struct {
	// ID is the public assessment key or definition id where the intent is the
	// same (content/ids.tsv names the source), else a UUIDv5 of Name. It is the
	// name of the policy definition, the reference id of the initiative's
	// member and the assessment's name: one identity for all three.
	ID          string `yaml:"id"`
	Name        string `yaml:"name"` // slug, also the file name without .yaml
	Version     string `yaml:"version"`
	Title       string `yaml:"title"`       // "Storage accounts should ..."
	Description string `yaml:"description"` // what is checked, plain words
	Threat      string `yaml:"threat"`      // why it matters: what an attacker gains
	// Threats are the reference's threat enum (accountBreach, dataExfiltration, ...).
	Threats  []string `yaml:"threats"`
	Severity Severity `yaml:"severity"`
	Control  string   `yaml:"control"` // id of a control in content/controls
	// Category is one of the API's: AppServices, Compute, Container, Data,
	// IdentityAndAccess, IoT, Networking.
	Category string `yaml:"category"`
	// Types are the ARM resource types assessed.
	Types []string `yaml:"types"`
	// Preview recommendations are shown and never counted in the score.
	Preview bool `yaml:"preview"`
	// Uncounted recommendations are shown and never counted (best practices).
	Uncounted bool `yaml:"uncounted"`

	// The policy. Effect is audit, auditIfNotExists or manual; If and Details
	// are the policy language's objects; Parameters its parameter definitions.
	Effect         string          `yaml:"effect"`
	Mode           string          `yaml:"mode"` // default All
	Parameters     json.RawMessage `yaml:"parameters"`
	If             json.RawMessage `yaml:"if"`
	Details        json.RawMessage `yaml:"details"`
	ApplicableWhen json.RawMessage `yaml:"applicableWhen"` // metadata.rampart.applicableWhen

	Remediation Remediation `yaml:"remediation"`
	Effort      string      `yaml:"effort"` // low, moderate, high
	UserImpact  string      `yaml:"userImpact"`
	ImpactNote  string      `yaml:"impactNote"` // what users may notice, one sentence
	Tactics     []string    `yaml:"tactics"`    // ATT&CK tactic names
	Techniques  []string    `yaml:"techniques"` // ATT&CK ids: T1110, T1021.004
	// Standards maps a standard's id (a file of content/standards) to its
	// control numbers that this recommendation serves.
	Standards map[string][]string `yaml:"standards"`
	// FindingsOf names the producer whose sub-assessments belong to this
	// recommendation: FindingsOfBaseline, FindingsOfReport or "" for none.
	FindingsOf string    `yaml:"findingsOf"`
	Examples   []Example `yaml:"examples"`

	File string `yaml:"-"` // path below content/, for error messages

	awaits *Producer // see Awaits
}

// Awaits is the producer of what the recommendation judges while it does not
// exist; nil if there is one, or none is needed.
func (r *Recommendation) Awaits() *Producer { return r.awaits }

// Remediation says how to fix one resource.
type Remediation struct {
	Steps []string `yaml:"steps"` // manual steps, plain sentences
	// Patch is an RFC 6902 JSON patch of the resource's body; empty when no
	// patch of this one document can do it.
	Patch json.RawMessage `yaml:"patch"`
	// Create is a child resource to create (auditIfNotExists): an ARM object
	// whose id begins with "{id}".
	Create json.RawMessage `yaml:"create"`
	// Expect is an RFC 6902 JSON patch of the related documents that the rule
	// looks at: what their source reports once the commands below have run. It
	// proves commands on machines and clusters the way that Patch proves a
	// change of the resource; nobody writes it.
	Expect json.RawMessage `yaml:"expect"`
	// Az, Terraform and Shell are text templates: {id}, {name}, {resourceGroup},
	// {subscription}, {parent} are replaced by the resource's.
	Az        string `yaml:"az"`
	Terraform string `yaml:"terraform"`
	Shell     string `yaml:"shell"` // for servers
}

// Example is a resource with the state that the recommendation must give it.
type Example struct {
	Name string `yaml:"name"`
	Want string `yaml:"want"` // healthy, unhealthy, notApplicable, unknown
	// From names an earlier example whose resource is copied, then Patch (RFC
	// 6902) is applied: failing and passing examples differ in one property.
	From        string            `yaml:"from"`
	Patch       json.RawMessage   `yaml:"patch"`
	Resource    json.RawMessage   `yaml:"resource"`
	Related     []json.RawMessage `yaml:"related"` // other resources of the estate, id and type given
	Unavailable []string          `yaml:"unavailable"`
	Parameters  json.RawMessage   `yaml:"parameters"`
}
