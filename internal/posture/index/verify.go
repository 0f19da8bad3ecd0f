package index

import (
	"fmt"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Verify makes every aggregate of a view again from its rows and notes where the
// kept ones differ: counts, and the sets of rows.
func (v *View) Verify(note func(Difference)) {
	v.recount(note)
	b := Empty(v.names, v.schema).From(v.seq).Edit(v.schema)
	b.SkipNames, b.Rebuilding = true, true
	v.Rows.Each(func(_ uint32, r *record.Row) bool { b.Put(r); return true })
	layout := layoutOf(v.schema)
	made := layout.of(b.View)
	for i, kept := range layout.of(v) {
		same("set "+fmt.Sprint(i), *kept, *made[i], note)
	}
	same("all", v.all, b.View.all, note)
	for i := range v.factors {
		same(fmt.Sprint("risk factors ", i), v.factors[i], b.View.factors[i], note)
	}
	sameSets("type", &v.types, &b.View.types, note)
	sameSets("group", &v.groups, &b.View.groups, note)
	sameSets("finding", &v.open, &b.View.open, note)
	sameSets("disabled finding", &v.off, &b.View.off, note)
}

func same(of string, kept, made *cow.Set, note func(Difference)) {
	if !kept.Bits().Equals(made.Bits()) {
		note(Difference{"", "", fmt.Sprint(of, ": ", kept.Len(), " rows"), fmt.Sprint(of, ": ", made.Len(), " rows")})
	}
}

func sameSets(of string, kept, made *cow.Sets, note func(Difference)) {
	for n := range max(kept.Limit(), made.Limit()) {
		same(fmt.Sprint(of, " ", n), kept.At(n), made.At(n), note)
	}
}
