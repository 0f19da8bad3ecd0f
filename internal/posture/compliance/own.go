package compliance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// OwnKind is the kind of store objects that hold users' standards, OwnType the
// type that they have in the API.
const (
	OwnKind = "securityStandard"
	OwnType = "Microsoft.Security/securityStandards"
)

// OwnID is the id of a user's standard that applies to a scope and all below
// it; "" is the whole estate.
func OwnID(scope, name string) string {
	return strings.TrimSuffix(scope, "/") + "/providers/" + OwnType + "/" + name
}

// ownBody is the ARM form of a user's standard: the reference's properties, and
// controls.
type ownBody struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	Properties Properties `json:"properties"`
}

// Properties of a user's standard in the API.
type Properties struct {
	DisplayName  string `json:"displayName"`
	Version      string `json:"version,omitempty"`
	Description  string `json:"description,omitempty"`
	StandardType string `json:"standardType"`
	// Assessments are all that the controls name. A standard that is put with
	// them alone, as the reference's clients do, has them in one control.
	Assessments []assessmentKey `json:"assessments"`
	Controls    []ownControl    `json:"controls"`
}

type ownControl struct {
	Number      string          `json:"number"`
	Domain      string          `json:"domain,omitempty"`
	Title       string          `json:"title"`
	Manual      bool            `json:"manual,omitempty"`
	Assessments []assessmentKey `json:"assessments,omitempty"`
}

type assessmentKey struct {
	Key string `json:"assessmentKey"`
}

// ownObject is the object that holds a user's standard for a scope.
func ownObject(scope string, std *content.Standard) (store.Object, error) {
	o := store.Object{Kind: OwnKind, ID: OwnID(scope, std.ID)}
	var err error
	if o.Body, err = json.Marshal(ownBody{o.ID, std.ID, OwnType, PropertiesOf(std)}); err != nil {
		return o, fmt.Errorf("encode standard %s: %w", std.ID, err)
	}
	return o, nil
}

// PropertiesOf are the properties of a standard's ARM form.
func PropertiesOf(std *content.Standard) Properties {
	p := Properties{DisplayName: std.Title, Version: std.Version, Description: std.Description, StandardType: "Custom",
		Assessments: []assessmentKey{}, Controls: []ownControl{}}
	seen := map[string]bool{}
	for _, c := range std.Controls {
		own := ownControl{Number: c.Number, Domain: c.Domain, Title: c.Title, Manual: c.Manual}
		for _, id := range c.Recommendations {
			own.Assessments = append(own.Assessments, assessmentKey{id})
			if !seen[id] {
				seen[id] = true
				p.Assessments = append(p.Assessments, assessmentKey{id})
			}
		}
		p.Controls = append(p.Controls, own)
	}
	return p
}

// standard is the content of the body.
func (b *ownBody) standard() *content.Standard {
	p := &b.Properties
	std := &content.Standard{ID: strings.ToLower(b.Name), Name: b.Name, Title: p.DisplayName, Version: p.Version, Description: p.Description}
	if len(p.Controls) == 0 && len(p.Assessments) > 0 {
		p.Controls = []ownControl{{Number: "1", Title: cmp.Or(p.DisplayName, "Assessments"), Assessments: p.Assessments}}
	}
	for _, c := range p.Controls {
		control := content.StandardControl{Number: c.Number, Domain: c.Domain, Title: c.Title, Manual: c.Manual}
		for _, a := range c.Assessments {
			control.Recommendations = append(control.Recommendations, strings.ToLower(a.Key))
		}
		std.Controls = append(std.Controls, control)
	}
	return std
}

// ofObject makes a standard of a stored object.
func ofObject(o store.Object) (*Standard, error) {
	var b ownBody
	if err := json.Unmarshal(o.Body, &b); err != nil {
		return nil, fmt.Errorf("decode standard %s: %w", o.ID, err)
	}
	std := b.standard()
	scope, _, _ := strings.Cut(arm.Fold(o.ID), "/providers/"+arm.Fold(OwnType)+"/")
	s := &Standard{Standard: std, Kind: Own, Source: o.ID, ETag: o.ETag, serves: servedBy(std)}
	if scope != "" {
		s.Areas = []Area{{Scope: o.ID[:len(scope)]}}
	}
	return s, nil
}

// NormalizeOwn checks the ARM body of a user's standard and gives it in the
// form that is stored. Errors are *arm.Errors whose target is the property.
func NormalizeOwn(body []byte, known func(recommendation string) bool) (std *content.Standard, properties json.RawMessage, err error) {
	var b ownBody
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, nil, arm.Invalid("The standard is not the JSON that is wanted: %v.", err)
	}
	std = b.standard()
	if err := checkOwn(std, known); err != nil {
		return nil, nil, err
	}
	if properties, err = json.Marshal(PropertiesOf(std)); err != nil {
		return nil, nil, fmt.Errorf("encode standard: %w", err)
	}
	return std, properties, nil
}

func checkOwn(std *content.Standard, known func(string) bool) error {
	err := std.Check(known)
	var wrong *content.StandardError
	if errors.As(err, &wrong) {
		e := arm.Invalid("%s.", wrong)
		e.Target = "properties." + strings.Join(wrong.Path, ".")
		return e
	}
	return err
}
