package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// SuppressionKind is the kind under which suppression rules are stored.
const SuppressionKind = "alertsSuppressionRule"

// Suppression dismisses new alerts of a type, where its scope fits, until it
// expires. It has the properties of ARM's alertsSuppressionRules.
type Suppression struct {
	ID        string // ARM id
	AlertType string // "*" is every type
	Reason    string
	Comment   string
	Enabled   bool
	Expires   time.Time // zero: never
	AllOf     []SuppressionTerm
}

// SuppressionTerm asks one field of an alert's entities, as
// "entities.account.name". Exactly one of In and Contains is set.
type SuppressionTerm struct {
	Field    string
	In       []string
	Contains string
}

// ParseSuppression reads the body of an alertsSuppressionRules resource.
func ParseSuppression(id string, body json.RawMessage) (*Suppression, error) {
	var in struct {
		Properties *struct {
			AlertType, Reason, State, Comment string
			ExpirationDateUtc                 *time.Time
			SuppressionAlertsScope            *struct{ AllOf []map[string]json.RawMessage }
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("read suppression rule: %w", err)
	}
	p := in.Properties
	if p == nil {
		return nil, fmt.Errorf("suppression rule: properties are missing")
	}
	s := &Suppression{ID: id, AlertType: p.AlertType, Reason: p.Reason, Comment: p.Comment}
	switch {
	case p.AlertType == "":
		return nil, fmt.Errorf("suppression rule: properties.alertType is missing")
	case p.Reason == "":
		return nil, fmt.Errorf("suppression rule: properties.reason is missing")
	case strings.EqualFold(p.State, "Enabled"):
		s.Enabled = true
	case !strings.EqualFold(p.State, "Disabled") && !strings.EqualFold(p.State, "Expired"):
		return nil, fmt.Errorf("suppression rule: properties.state is %q, wanted: Enabled or Disabled", p.State)
	}
	if p.ExpirationDateUtc != nil {
		s.Expires = *p.ExpirationDateUtc
	}
	if p.SuppressionAlertsScope != nil {
		for i, term := range p.SuppressionAlertsScope.AllOf {
			t, err := parseTerm(term)
			if err != nil {
				return nil, fmt.Errorf("suppression rule: suppressionAlertsScope.allOf[%d]: %w", i, err)
			}
			s.AllOf = append(s.AllOf, t)
		}
	}
	return s, nil
}

func parseTerm(term map[string]json.RawMessage) (t SuppressionTerm, err error) {
	for name, raw := range term {
		switch strings.ToLower(name) {
		case "field":
			err = json.Unmarshal(raw, &t.Field)
		case "in":
			err = json.Unmarshal(raw, &t.In)
		case "contains":
			err = json.Unmarshal(raw, &t.Contains)
		default:
			return t, fmt.Errorf("unknown member %q", name)
		}
		if err != nil {
			return t, fmt.Errorf("%s: %w", name, err)
		}
	}
	if t.Field == "" || (len(t.In) == 0) == (t.Contains == "") {
		return t, fmt.Errorf("a term has a field and either in or contains")
	}
	if parts := strings.Split(t.Field, "."); len(parts) < 3 || !strings.EqualFold(parts[0], "entities") {
		return t, fmt.Errorf("field %q is not entities.KIND.NAME", t.Field)
	}
	return t, nil
}

// Selects reports whether the rule, in force at the alert's last event,
// suppresses it.
func (s *Suppression) Selects(a *Alert) bool {
	if !s.Enabled || !s.Expires.IsZero() && !a.Last.Before(s.Expires) {
		return false
	}
	if s.AlertType != "*" && !strings.EqualFold(s.AlertType, a.Type) {
		return false
	}
	for _, t := range s.AllOf {
		if !t.holds(a) {
			return false
		}
	}
	return true
}

func (t SuppressionTerm) holds(a *Alert) bool {
	parts := strings.SplitN(t.Field, ".", 3)
	for _, e := range a.Entities {
		if !strings.EqualFold(e.Kind, parts[1]) {
			continue
		}
		if v, ok := e.field(parts[2]); ok && t.fits(v) {
			return true
		}
	}
	return false
}

// field finds a field of an entity whatever its case; name, address and
// commandLine of a kind may be its Name.
func (e Entity) field(name string) (string, bool) {
	for k, v := range e.Fields {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	switch strings.ToLower(name) {
	case "name", "hostname", "address", "resourceid", "imagefile.name":
		return e.Name, true
	}
	return "", false
}

func (t SuppressionTerm) fits(v string) bool {
	if t.Contains != "" {
		return strings.Contains(strings.ToLower(v), strings.ToLower(t.Contains))
	}
	for _, want := range t.In {
		if strings.EqualFold(v, want) {
			return true
		}
	}
	return false
}
