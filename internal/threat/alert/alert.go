package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Severity is how bad an alert is, by the names of the ARM alerts API.
type Severity int

// The severities, the worst last.
const (
	Informational Severity = iota + 1
	Low
	Medium
	High
)

var severityNames = []string{"", "Informational", "Low", "Medium", "High"}

// String is the name that ARM uses.
func (s Severity) String() string { return nameOf(severityNames, int(s)) }

// ParseSeverity reads a name, whatever its case.
func ParseSeverity(name string) (Severity, bool) {
	i, ok := valueOf(severityNames, name)
	return Severity(i), ok
}

// Status is how far people are with an alert, by the names of the ARM alerts API.
type Status int

// The statuses. An alert that a suppression rule selects is Dismissed.
const (
	Active Status = iota + 1
	InProgress
	Resolved
	Dismissed
)

var statusNames = []string{"", "Active", "InProgress", "Resolved", "Dismissed"}

// String is the name that ARM uses.
func (s Status) String() string { return nameOf(statusNames, int(s)) }

// Open reports whether somebody still has to look.
func (s Status) Open() bool { return s == Active || s == InProgress }

// ParseStatus reads a name, whatever its case.
func ParseStatus(name string) (Status, bool) {
	i, ok := valueOf(statusNames, name)
	return Status(i), ok
}

func nameOf(names []string, i int) string {
	if i <= 0 || i >= len(names) {
		return "Unknown"
	}
	return names[i]
}

func valueOf(names []string, name string) (int, bool) {
	for i, n := range names {
		if i > 0 && strings.EqualFold(n, name) {
			return i, true
		}
	}
	return 0, false
}

// MarshalJSON writes the name.
func (s Severity) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads the name.
func (s *Severity) UnmarshalJSON(b []byte) error {
	return unmarshalName(b, "severity", func(name string) (ok bool) { *s, ok = ParseSeverity(name); return ok })
}

// MarshalJSON writes the name.
func (s Status) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads the name.
func (s *Status) UnmarshalJSON(b []byte) error {
	return unmarshalName(b, "status", func(name string) (ok bool) { *s, ok = ParseStatus(name); return ok })
}

func unmarshalName(b []byte, what string, set func(string) bool) error {
	var name string
	if err := json.Unmarshal(b, &name); err != nil {
		return err
	}
	if !set(name) {
		return fmt.Errorf("unknown %s %q", what, name)
	}
	return nil
}

// Rule says which rule raised an alert, as it was then.
type Rule struct {
	ID      string   `json:"id"`
	Version string   `json:"version,omitempty"` // changes with the rule's text
	Title   string   `json:"title"`
	Level   string   `json:"level,omitempty"` // of the Sigma rule
	Tags    []string `json:"tags,omitempty"`
}

// Entity is something that an alert is about: a host, an account, a process, an
// address, a file. Kind is a type name of the ARM alerts API in lower case
// ("host", "account", "process", "ip", "file", "url", "container", "k8s-pod",
// "azure-resource", "cloud-application"); Name tells two of a kind apart.
type Entity struct {
	Kind   string            `json:"kind"`
	Name   string            `json:"name"`
	Fields map[string]string `json:"fields,omitempty"`
}

// Key is equal for entities that are the same thing.
func (e Entity) Key() string { return e.Kind + ":" + strings.ToLower(e.Name) }

// Evidence is a copy of one event that made the alert.
type Evidence struct {
	Event  string            `json:"event"` // its id
	Time   time.Time         `json:"time"`
	Source string            `json:"source,omitempty"`
	Fields map[string]string `json:"fields,omitempty"` // those that decided
	Raw    string            `json:"raw,omitempty"`
}

// Value is a field and what it was.
type Value struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// Comment is what somebody wrote.
type Comment struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// StatusChange is one step of an alert's life.
type StatusChange struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Status Status    `json:"status"`
}

// Alert is a security alert, or an incident that joins several.
type Alert struct {
	ID           string `json:"id"`
	Tenant       string `json:"-"`
	Subscription string `json:"subscription,omitempty"` // GUID
	Resource     string `json:"resource,omitempty"`     // ARM id of what is attacked

	Rule        Rule     `json:"rule"`
	Type        string   `json:"type"` // alert type, as suppression rules name it
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Severity    Severity `json:"severity"`
	Reasons     []string `json:"reasons,omitempty"` // why this severity
	Tactics     []string `json:"tactics,omitempty"` // ATT&CK, as ARM spells intents
	Techniques  []string `json:"techniques,omitempty"`
	NextSteps   []string `json:"nextSteps,omitempty"`

	Group    []Value    `json:"group,omitempty"` // of a correlation
	Entities []Entity   `json:"entities,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Count    int        `json:"count"` // how often it was raised
	First    time.Time  `json:"first"`
	Last     time.Time  `json:"last"`

	Status       Status         `json:"status"`
	SuppressedBy string         `json:"suppressedBy,omitempty"`
	Assignee     string         `json:"assignee,omitempty"`
	Comments     []Comment      `json:"comments,omitempty"`
	Log          []StatusChange `json:"log,omitempty"`

	Incident   string   `json:"incident,omitempty"` // that the alert belongs to
	IsIncident bool     `json:"isIncident,omitempty"`
	Members    []string `json:"members,omitempty"` // alerts of an incident, by id
	Risk       int      `json:"risk,omitempty"`    // of an incident
	Sample     bool     `json:"sample,omitempty"`

	groupKey string
}

// GroupKey is equal for alerts that repeat each other.
func (a *Alert) GroupKey() string { return a.groupKey }

// Finding is what a rule found.
type Finding struct {
	Tenant       string
	Subscription string
	Resource     string
	Rule         Rule
	Type         string
	Title        string
	Description  string
	NextSteps    []string
	Group        []Value
	Entities     []Entity
	Evidence     []Evidence
	Completing   string // id of the event that completed it
	First, Last  time.Time
	Note         string // what limits it, for instance that a count is an estimate
	Sample       bool
}

// groupKey is what makes findings repeats of each other: the rule, the resource
// and the group's values, or without a group the account and the program.
func (f *Finding) groupKey() string {
	parts := []string{f.Rule.ID, strings.ToLower(f.Resource)}
	for _, v := range f.Group {
		parts = append(parts, v.Field, v.Value)
	}
	if len(f.Group) == 0 {
		for _, e := range f.Entities {
			if e.Kind == "account" || e.Kind == "process" || e.Kind == "host" && f.Resource == "" {
				parts = append(parts, e.Key())
			}
		}
	}
	if f.Sample {
		parts = append(parts, "sample")
	}
	return digest(parts...)
}

// id names the alert of a finding: the same finding gives the same id, however
// often it is delivered.
func (f *Finding) id() string {
	return digest(f.Tenant, f.Rule.ID, f.groupKey(), f.Completing)
}

// digest is 128 bits of a hash over parts that cannot run into each other.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
