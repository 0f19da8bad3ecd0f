package detect

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/internal/threat/alert"
	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

// entityFields are the fields that entities of alerts are read from, by kind. The
// names are those that decoders give.
var entityFields = []struct {
	kind   string
	names  []string
	fields map[string]string // further fields of the entity
}{
	{"host", []string{"Computer", "hostname", "node", "host"}, nil},
	{"account", []string{"User", "TargetUserName", "SubjectUserName", "user", "target_user", "userIdentity.arn", "user.username", "caller",
		"properties.userPrincipalName", "userPrincipalName", "protoPayload.authenticationInfo.principalEmail", "identity.claims.name"}, nil},
	{"process", []string{"Image", "exe", "program"}, map[string]string{"commandLine": "CommandLine", "processId": "ProcessId", "parent": "ParentImage",
		"parentCommandLine": "ParentCommandLine", "workingDirectory": "CurrentDirectory"}},
	{"ip", []string{"src_ip", "SourceIp", "IpAddress", "DestinationIp", "c-ip", "sourceIPAddress", "callerIpAddress", "sourceIPs", "properties.ipAddress",
		"protoPayload.requestMetadata.callerIp"}, nil},
	{"file", []string{"TargetFilename"}, nil},
	{"azure-resource", []string{"resourceId"}, nil},
}

// entityNames lists all of them, for the schema.
func entityNames() (names []string) {
	for _, e := range entityFields {
		names = append(names, e.names...)
		for _, f := range e.fields {
			names = append(names, f)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// entitiesOf reads the entities of a record.
func entitiesOf(rec *event.Record) (entities []alert.Entity) {
	field := fieldOf(rec)
	for _, e := range entityFields {
		for _, name := range e.names {
			text, ok := field(name)
			if !ok || text == "" || text == "-" {
				continue
			}
			if _, err := netip.ParseAddr(text); e.kind == "ip" && err != nil {
				continue
			}
			entity := alert.Entity{Kind: e.kind, Name: text}
			for as, from := range e.fields {
				if v, ok := field(from); ok && v != "" {
					if entity.Fields == nil {
						entity.Fields = map[string]string{}
					}
					entity.Fields[as] = v
				}
			}
			if !slices.ContainsFunc(entities, func(x alert.Entity) bool { return x.Key() == entity.Key() }) {
				entities = append(entities, entity)
			}
		}
	}
	return entities
}

// custom is what a rule says for alerts beyond the specification.
type custom struct {
	AlertType string   `yaml:"alertType"`
	NextSteps []string `yaml:"nextSteps"`
}

func customOf(members map[string]yaml.Node) (c custom) {
	if n, ok := members["rampart"]; ok {
		_ = n.Decode(&c) // a rule of somebody else may use the name for something else
	}
	return c
}

// alertType is the type of a rule's alerts: what it says, else its title in a word.
func alertType(c custom, title string) string {
	if c.AlertType != "" {
		return c.AlertType
	}
	words := strings.FieldsFunc(title, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
	return "Sigma_" + strings.Join(words, "")
}

// ruleFinding makes what a rule found ready for alerts.
func ruleFinding(r *sigma.Rule, fields []sigma.Field, rec *event.Record, id string) alert.Finding {
	c := customOf(r.Custom)
	f := alert.Finding{
		Rule: alert.Rule{ID: r.Key(), Version: r.Version, Title: r.Title, Level: r.Level, Tags: r.Tags}, Type: alertType(c, r.Title),
		Title: r.Title, Description: r.Description, NextSteps: c.NextSteps, Entities: entitiesOf(rec), Completing: id, First: rec.Time(), Last: rec.Time(),
	}
	f.Evidence = []alert.Evidence{evidenceOf(rec, id, fields)}
	return f
}

func evidenceOf(rec *event.Record, id string, fields []sigma.Field) alert.Evidence {
	e := alert.Evidence{Event: id, Time: rec.Time(), Source: rec.Kind.String(), Raw: strings.ToValidUTF8(string(rec.Raw), "\ufffd"), Fields: map[string]string{}}
	for _, f := range fields {
		e.Fields[f.Name] = f.Value
	}
	return e
}

// correlationFinding makes what a correlation found ready for alerts. Evidence
// and entities are those of the event that completed it.
func correlationFinding(h Hit, rec *event.Record, id string) alert.Finding {
	d := h.Correlation
	c := customOf(d.Rule.Custom)
	f := alert.Finding{
		Rule: alert.Rule{ID: d.Rule.Key(), Title: d.Rule.Title, Level: d.Rule.Level, Tags: d.Rule.Tags}, Type: alertType(c, d.Rule.Title), NextSteps: c.NextSteps,
		Title: d.Rule.Title, Description: d.Rule.Description, Entities: entitiesOf(rec), Completing: id, First: d.From, Last: d.To,
		Evidence: []alert.Evidence{evidenceOf(rec, id, nil)},
	}
	for i, name := range d.Rule.GroupBy {
		f.Group = append(f.Group, alert.Value{Field: name, Value: d.Group[i]})
	}
	if d.Approximate {
		f.Note = fmt.Sprintf("The number %v is an estimate.", d.Value)
	}
	return f
}
