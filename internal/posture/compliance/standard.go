package compliance

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Kind says where a standard comes from.
type Kind string

// The kinds of standards.
const (
	BuiltIn    Kind = "builtIn"    // comes with the product
	Own        Kind = "own"        // a user's, kept as an object
	Initiative Kind = "initiative" // a user's initiative that is assigned
)

// Standard is a list of controls with what serves each and where it applies. It
// is immutable.
type Standard struct {
	*content.Standard
	Kind  Kind
	Areas []Area // where it applies; nil: everywhere
	// Source is the id of the object or initiative that it was made of, ETag the
	// object's.
	Source, ETag string
	// serves are ids of recommendations by position of the control.
	serves [][]string
}

// Area is a scope without some scopes below it.
type Area struct {
	Scope  string
	Except []string
}

// builtIns are the library's standards. A recommendation serves a control whose
// number its file names, or that names it.
func builtIns(lib *content.Library) []*Standard {
	all := make([]*Standard, len(lib.Standards))
	for i, std := range lib.Standards {
		all[i] = &Standard{Standard: std, Kind: BuiltIn, serves: servedBy(std)}
		for _, r := range lib.Recommendations {
			for _, number := range r.Standards[std.ID] {
				if at := all[i].position(number); at >= 0 {
					all[i].serves[at] = append(all[i].serves[at], r.ID)
				}
			}
		}
	}
	return all
}

// servedBy are the recommendations that the controls themselves name.
func servedBy(std *content.Standard) [][]string {
	serves := make([][]string, len(std.Controls))
	for i, c := range std.Controls {
		serves[i] = c.Recommendations
	}
	return serves
}

// position is that of the control with a number, -1 if there is none.
func (s *Standard) position(number string) int {
	return slices.IndexFunc(s.Controls, func(c content.StandardControl) bool { return strings.EqualFold(c.Number, number) })
}

// Control is the control with a number, nil if there is none.
func (s *Standard) Control(number string) *content.StandardControl {
	if i := s.position(number); i >= 0 {
		return &s.Controls[i]
	}
	return nil
}

// Numbers are those of the controls that a recommendation serves.
func (s *Standard) Numbers(recommendation string) []string {
	var numbers []string
	for i, ids := range s.serves {
		if slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, recommendation) }) {
			numbers = append(numbers, s.Controls[i].Number)
		}
	}
	return numbers
}

// regulatory is the category that makes an initiative a standard.
const regulatory = "Regulatory Compliance"

// ofInitiative makes a standard of an assigned initiative: its groups are the
// controls, in their order. It is nil for one that is no standard.
func ofInitiative(a record.Assigned) *Standard {
	in := a.Initiative
	if !strings.EqualFold(in.Metadata.Get("category").Str, regulatory) || len(in.Groups) == 0 {
		return nil
	}
	s := &Standard{Kind: Initiative, Source: in.ID, Standard: &content.Standard{ID: InitiativeID(in.ID), Name: in.Name,
		Title: cmp.Or(in.DisplayName, in.Name), Version: versionOf(in), Description: in.Description}}
	for _, as := range a.Assignments {
		area := Area{Scope: strings.TrimSuffix(as.Scope.String(), "/")}
		for _, not := range as.NotScopes {
			area.Except = append(area.Except, not.String())
		}
		s.Areas = append(s.Areas, area)
	}
	for _, g := range in.Groups {
		s.Controls = append(s.Controls, content.StandardControl{Number: g.Name, Domain: g.Category, Title: cmp.Or(g.DisplayName, g.Name)})
		s.serves = append(s.serves, membersOf(in, g.Name))
	}
	return s
}

// versionOf is an initiative's version; most clients put it in the metadata.
func versionOf(in *policy.Initiative) string {
	return cmp.Or(in.Version, in.Metadata.Get("version").Str)
}

// membersOf are the recommendations of a group's members.
func membersOf(in *policy.Initiative, group string) []string {
	var ids []string
	for _, m := range in.Members {
		if !slices.ContainsFunc(m.Groups, func(g string) bool { return strings.EqualFold(g, group) }) {
			continue
		}
		if id := catalog.RecommendationID(m.DefinitionID); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// initiativePrefix begins the ids of standards that initiatives make; no other
// standard may have it.
const initiativePrefix = "initiative-"

// InitiativeID is the id of the standard that an initiative makes: names repeat
// from scope to scope, ids do not.
func InitiativeID(id string) string {
	sum := sha256.Sum256([]byte(arm.Fold(id)))
	return initiativePrefix + hex.EncodeToString(sum[:6])
}

// is reports whether a text names the standard, on a page or in the API.
func (s *Standard) is(name string) bool {
	return strings.EqualFold(s.ID, name) || strings.EqualFold(s.Name, name)
}

// File is the standard in the format of content/standards, with all that serves
// its controls: what a user takes as the beginning of their own.
func (s *Standard) File() ([]byte, error) {
	std := *s.Standard
	std.Controls = slices.Clone(std.Controls)
	for i := range std.Controls {
		std.Controls[i].Recommendations = s.serves[i]
	}
	return std.YAML()
}
