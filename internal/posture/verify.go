package posture

import (
	"fmt"

	"github.com/rampart-sec/rampart/internal/posture/cow"
)

// verify makes every aggregate of a view again from its rows and notes where the
// kept ones differ: counts, and the sets of rows.
func (v *View) verify(note func(Difference)) {
	v.recount(note)
	b := emptyView(v.names, v.shape).from(v.seq).edit(v.shape)
	b.unnamed, b.anew = true, true
	v.rows.Each(func(_ uint32, r *row) bool { b.put(r); return true })
	layout := layoutOf(v.shape)
	made := layout.of(b.v)
	for i, kept := range layout.of(v) {
		same("set "+fmt.Sprint(i), *kept, *made[i], note)
	}
	same("all", v.all, b.v.all, note)
	for i := range v.factors {
		same(fmt.Sprint("risk factors ", i), v.factors[i], b.v.factors[i], note)
	}
	sameSets("type", &v.types, &b.v.types, note)
	sameSets("group", &v.groups, &b.v.groups, note)
	sameSets("finding", &v.open, &b.v.open, note)
	sameSets("disabled finding", &v.off, &b.v.off, note)
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
