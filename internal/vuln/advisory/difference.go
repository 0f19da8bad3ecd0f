package advisory

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
)

// difference finds the packages of which advisories say something else than
// before. What is said is summed up per package, so that the order does not
// matter and what is said again cancels out.
type difference struct {
	seed maphash.Seed
	sums map[PackageKey]uint64
	said map[recordKey][]said // by new advisories, to take it back
}

type said struct {
	key PackageKey
	sum uint64
}

func newDifference() *difference {
	return &difference{maphash.MakeSeed(), map[PackageKey]uint64{}, map[recordKey][]said{}}
}

// before counts what an advisory said that is gone.
func (d *difference) before(a *affected.Advisory, p *affected.Package) {
	d.sums[PackageKey{p.Ecosystem.Base, p.Name}] -= d.sum(a, p)
}

// after counts what a new advisory says.
func (d *difference) after(from recordKey, a *affected.Advisory, p *affected.Package) {
	s := said{PackageKey{p.Ecosystem.Base, p.Name}, d.sum(a, p)}
	d.sums[s.key] += s.sum
	d.said[from] = append(d.said[from], s)
}

// carried counts what an advisory of a bundle says.
func (d *difference) carried(a *affected.Advisory, p *affected.Package) {
	d.sums[PackageKey{p.Ecosystem.Base, p.Name}] += d.sum(a, p)
}

// forget takes back what a new advisory said, since a newer one replaces it.
func (d *difference) forget(from recordKey) {
	for _, s := range d.said[from] {
		d.sums[s.key] -= s.sum
	}
	delete(d.said, from)
}

// sum is a number for all that a finding takes from an advisory and what it says
// of a package; when it was last changed is nothing of that.
func (d *difference) sum(a *affected.Advisory, p *affected.Package) uint64 {
	var h maphash.Hash
	h.SetSeed(d.seed)
	fmt.Fprintf(&h, "%q %q %q %d %.1f %q %d %q %t", a.ID, a.CVEs, a.Aliases, a.Severity, a.Score, a.Vector, a.Published.Unix(), a.Summary, a.Disputed)
	fmt.Fprintf(&h, "%q %q %q %q %q %d %d %t", p.Ecosystem.Release, p.Ecosystem.Channel, p.Module, p.Versions, p.Binaries, p.Status, p.Severity, p.Source)
	for _, in := range p.Intervals {
		fmt.Fprintf(&h, "%q %q %q", in.Introduced, in.Fixed, in.LastAffected)
	}
	return h.Sum64()
}

// changed lists the packages, sorted.
func (d *difference) changed() (keys []PackageKey) {
	for k, sum := range d.sums {
		if sum != 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b PackageKey) int {
		return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Name, b.Name))
	})
	return keys
}
