package reopen

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// base is what one member's rule read of one resource under one exemption.
type base struct {
	baseTag
	prints []placePrint // by place
	// open is set while the exemption is re-opened for the resource.
	open bool
	// was are the values in words, as far as they are known.
	was map[uint64]placeText
}

// baseTag says whose base it is. Names are 64 bits: two exemptions, or two
// members, with one name would take each other's base, and either could stay
// exempt or be re-opened by what the other read. Of a million names that comes
// about once in 40 million estates.
type baseTag struct {
	exemption uint64 // the exemption as it was last renewed
	member    uint64 // definition and reference id
	reads     uint64 // the fields that the rule reads: a rule that reads others begins anew
}

// numberOf tells exemptions and their renewals apart.
func numberOf(x *policy.Exemption) uint64 { return hashOf(arm.Fold(x.ID), x.BasedAt) }

// memberOf tells the members of an assignment apart, in every process.
func memberOf(m *engine.Member) uint64 {
	return hashOf(arm.Fold(m.DefinitionID), arm.Fold(m.ReferenceID))
}

// readsOf tells apart which fields a member's rule reads.
func readsOf(m *engine.Member) uint64 {
	var fields []string
	for _, f := range m.Bound.FieldReads() {
		fields = append(fields, fmt.Sprint(arm.Fold(f.Field.Text), f.Related, f.Deep))
	}
	slices.Sort(fields)
	return hashOf(fields...)
}

func hashOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// placePrint is the print of the values in one place; 0 if they are not known. A
// place is named and has 64 bits. A print is only compared with another of the
// same place: where two values have one print, once in four billions, that one
// change is not noticed and the exemption holds until the next.
type placePrint struct {
	place uint64
	print uint32
}

type placeText struct{ Path, Text string }

func printAt(prints []placePrint, place uint64) (print uint32, ok bool) {
	i, ok := slices.BinarySearchFunc(prints, place, func(p placePrint, place uint64) int { return cmp.Compare(p.place, place) })
	if !ok {
		return 0, false
	}
	return prints[i].print, true
}

// changed are the places with other values than in the base. What is not known
// now, or was not then, has not changed.
func (o *base) changed(now []placePrint) []uint64 {
	var places []uint64
	for _, p := range now {
		if was, ok := printAt(o.prints, p.place); !ok || was != p.print && was != 0 && p.print != 0 {
			places = append(places, p.place)
		}
	}
	for _, p := range o.prints {
		if _, ok := printAt(now, p.place); !ok {
			places = append(places, p.place)
		}
	}
	return places
}

// placeName is the path, with the name of the related resource that it is of.
func placeName(r *policy.Reading) string {
	if r.Resource == "" {
		return r.Path
	}
	return r.Resource[strings.LastIndexByte(r.Resource, '/')+1:] + " " + r.Path
}
