package vex

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/csaf"
)

// Parse reads a document of any of the formats. The error is of the kind
// ErrDocument.
func Parse(data []byte) ([]Statement, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrDocument, len(data), MaxBytes)
	}
	var kind struct {
		Context   json.RawMessage `json:"@context"`
		BOMFormat string          `json:"bomFormat"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDocument, err)
	}
	var list []Statement
	var err error
	switch {
	case strings.Contains(string(kind.Context), "openvex"):
		list, err = parseOpenVEX(data)
	case kind.BOMFormat == "CycloneDX":
		list, err = parseCycloneDX(data)
	case csaf.Is(data):
		list, err = parseCSAF(data)
	default:
		return nil, fmt.Errorf("%w: it is neither OpenVEX nor CycloneDX nor CSAF", ErrDocument)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %v", ErrDocument, err)
	case len(list) == 0:
		return nil, fmt.Errorf("%w: it makes no statement", ErrDocument)
	case len(list) > maxStatements:
		return nil, fmt.Errorf("%w: %d statements, more than %d", ErrDocument, len(list), maxStatements)
	}
	return list, nil
}

// openVEX is a document of the OpenVEX specification 0.2.0; that of 0.0.1 has
// text where the newer has objects.
type openVEX struct {
	ID         string `json:"@id"`
	Statements []struct {
		Vulnerability named         `json:"vulnerability"`
		Products      []openProduct `json:"products"`
		Status        Status        `json:"status"`
		Justification string        `json:"justification"`
		Impact        string        `json:"impact_statement"`
	} `json:"statements"`
}

// named is text, or an object with a name.
type named struct {
	Name    string   `json:"name"`
	ID      string   `json:"@id"`
	Aliases []string `json:"aliases"`
}

// UnmarshalJSON takes both forms.
func (n *named) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &n.Name) == nil {
		return nil
	}
	type plain named
	return json.Unmarshal(data, (*plain)(n))
}

// openProduct is a package URL, or an object that has one.
type openProduct struct {
	ID          string            `json:"@id"`
	Identifiers map[string]string `json:"identifiers"`
	Parts       []openProduct     `json:"subcomponents"`
}

// UnmarshalJSON takes both forms.
func (p *openProduct) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &p.ID) == nil {
		return nil
	}
	type plain openProduct
	return json.Unmarshal(data, (*plain)(p))
}

func (p openProduct) name() string { return cmp.Or(p.Identifiers["purl"], p.ID) }

func parseOpenVEX(data []byte) (list []Statement, err error) {
	var doc openVEX
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	for i, s := range doc.Statements {
		status, ok := known(s.Status)
		name := cmp.Or(s.Vulnerability.Name, lastPart(s.Vulnerability.ID))
		if !ok || name == "" {
			return nil, fmt.Errorf("statement %d: status %.40q of %.60q", i+1, s.Status, name)
		}
		one := Statement{Document: doc.ID, Vulnerability: name, Aliases: s.Vulnerability.Aliases, Status: status, Justification: cmp.Or(s.Justification, s.Impact)}
		for _, p := range s.Products {
			one.Product = p.name()
			if len(p.Parts) == 0 {
				one.Component = ""
				list = append(list, one)
			}
			for _, part := range p.Parts {
				one.Component = part.name()
				list = append(list, one)
			}
		}
	}
	return list, nil
}

func known(s Status) (Status, bool) {
	switch s {
	case NotAffected, Affected, Fixed, Investigating:
		return s, true
	}
	return "", false
}

// cycloneDX is a bill of materials with analyses (CycloneDX 1.4 and later).
type cycloneDX struct {
	Serial   string `json:"serialNumber"`
	Metadata struct {
		Component component `json:"component"`
	} `json:"metadata"`
	Components      []component `json:"components"`
	Vulnerabilities []struct {
		ID         string                `json:"id"`
		References []struct{ ID string } `json:"references"`
		Analysis   struct {
			State         string `json:"state"`
			Justification string `json:"justification"`
			Detail        string `json:"detail"`
		} `json:"analysis"`
		Affects []struct {
			Ref string `json:"ref"`
		} `json:"affects"`
	} `json:"vulnerabilities"`
}

type component struct {
	Ref        string      `json:"bom-ref"`
	PURL       string      `json:"purl"`
	Components []component `json:"components"`
}

// states of an analysis; what is absent is under investigation.
var states = map[string]Status{
	"not_affected": NotAffected, "false_positive": NotAffected, "resolved": Fixed, "resolved_with_pedigree": Fixed, "exploitable": Affected, "in_triage": Investigating,
}

func parseCycloneDX(data []byte) (list []Statement, err error) {
	var doc cycloneDX
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	purls := map[string]string{}
	collect(append(doc.Components, doc.Metadata.Component), purls, 0)
	for _, v := range doc.Vulnerabilities {
		status, ok := states[v.Analysis.State]
		if !ok {
			continue // a list of vulnerabilities without a verdict says nothing
		}
		one := Statement{Document: doc.Serial, Vulnerability: v.ID, Status: status, Justification: cmp.Or(v.Analysis.Justification, v.Analysis.Detail)}
		for _, r := range v.References {
			one.Aliases = append(one.Aliases, r.ID)
		}
		for _, a := range v.Affects {
			one.Product = a.Ref
			if _, ref, linked := strings.Cut(a.Ref, "#"); linked && strings.HasPrefix(a.Ref, "urn:cdx:") {
				one.Product = ref // BOM-Link
			}
			one.Product = cmp.Or(purls[one.Product], one.Product)
			list = append(list, one)
		}
	}
	return list, nil
}

func collect(list []component, purls map[string]string, depth int) {
	if depth > 32 {
		return
	}
	for _, c := range list {
		if c.Ref != "" && c.PURL != "" {
			purls[c.Ref] = c.PURL
		}
		collect(c.Components, purls, depth+1)
	}
}

// csafStatus maps the groups of product_status (CSAF 2.0, section 3.2.3.9).
var csafStatus = map[string]Status{
	"known_not_affected": NotAffected, "fixed": Fixed, "first_fixed": Fixed, "known_affected": Affected, "first_affected": Affected,
	"last_affected": Affected, "under_investigation": Investigating,
}

func parseCSAF(data []byte) (list []Statement, err error) {
	doc, err := csaf.Parse(data)
	if err != nil {
		return nil, err
	}
	for i := range doc.Vulnerabilities {
		v := &doc.Vulnerabilities[i]
		why := map[string]string{}
		for _, f := range v.Flags {
			for _, id := range f.Products {
				why[id] = f.Label
			}
		}
		for _, group := range slices.Sorted(maps.Keys(v.Status)) {
			status, ok := csafStatus[group]
			if !ok {
				continue
			}
			for _, id := range v.Status[group] {
				s := Statement{Document: doc.Document.Tracking.ID, Vulnerability: v.CVE, Product: id, Status: status, Justification: why[id]}
				if p := doc.Product(id).Package(); p != nil && p.PURL != "" {
					s.Product = p.PURL
				}
				list = append(list, s)
			}
		}
	}
	return list, nil
}
