// Package rematch finds what new advisories change for packages that are known
// already: it keeps, for all stored inventories of images and machines, who has
// which package, so that nothing is pulled, unpacked or read again.
//
// It holds names and numbers only. It must never import registries, stores or
// anything that knows what an inventory belongs to.
package rematch

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

// Index knows which inventory has which packages. Equal packages are kept once,
// however many have them: ten thousand inventories of four hundred packages take
// about 20 MB. It is for many goroutines.
type Index struct {
	mu       sync.RWMutex
	packages []held
	numbers  map[software.Package]uint32
	byKey    map[advisory.PackageKey][]uint32 // packages that advisories know by the key
	owners   map[string]uint32
	ids      []string   // by owner; "" once it is removed
	has      [][]uint32 // by owner: its packages, sorted
	free     []uint32   // owners that were removed
}

// held is a package and who has it.
type held struct {
	software.Package
	owners *roaring.Bitmap
}

// NewIndex makes an empty one.
func NewIndex() *Index {
	return &Index{numbers: map[software.Package]uint32{}, byKey: map[advisory.PackageKey][]uint32{}, owners: map[string]uint32{}}
}

// Set says what an inventory has now. Where a package was found does not matter
// here: paths and package URLs are not kept.
func (x *Index) Set(id string, packages []software.Package) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(id)
	owner := x.newOwner(id)
	list := make([]uint32, 0, len(packages))
	for _, p := range packages {
		list = append(list, x.number(p))
	}
	slices.Sort(list)
	list = slices.Clip(slices.Compact(list))
	for _, n := range list {
		x.packages[n].owners.Add(owner)
	}
	x.has[owner] = list
}

// Remove forgets an inventory.
func (x *Index) Remove(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(id)
}

// Len is the number of inventories, and of the different packages they have had.
func (x *Index) Len() (inventories, packages int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.owners), len(x.packages)
}

func (x *Index) remove(id string) {
	owner, ok := x.owners[id]
	if !ok {
		return
	}
	for _, n := range x.has[owner] {
		x.packages[n].owners.Remove(owner)
	}
	delete(x.owners, id)
	x.ids[owner], x.has[owner] = "", nil
	x.free = append(x.free, owner)
}

func (x *Index) newOwner(id string) uint32 {
	if n := len(x.free); n > 0 {
		owner := x.free[n-1]
		x.free = x.free[:n-1]
		x.owners[id], x.ids[owner] = owner, id
		return owner
	}
	owner := uint32(len(x.ids))
	x.owners[id] = owner
	x.ids, x.has = append(x.ids, id), append(x.has, nil)
	return owner
}

func (x *Index) number(p software.Package) uint32 {
	p.Path, p.PURL = "", ""
	n, ok := x.numbers[p]
	if ok {
		return n
	}
	n = uint32(len(x.packages))
	x.numbers[p] = n
	x.packages = append(x.packages, held{p, roaring.New()})
	for _, key := range advisory.Keys(p) {
		x.byKey[key] = append(x.byKey[key], n)
	}
	return n
}

// Holders lists the inventories that have any of the packages that keys name, in
// the order of their ids.
func (x *Index) Holders(changed []advisory.PackageKey) (ids []string) {
	_, owners := x.concerned(changed)
	for _, o := range owners {
		ids = append(ids, o.id)
	}
	return ids
}

// Verdict is what advisories say now of those packages of an inventory that a
// change concerns.
type Verdict struct {
	ID       string // of the inventory
	Packages []software.Package
	Findings []advisory.Finding // of these packages; what was found of others stays
	Excluded []advisory.Excluded
}

// Rematch judges anew the packages that advisories have changed for, each
// different one once, and gives fn a verdict for every inventory that has any of
// them, in the order of their ids. It ends with fn's first error.
func (x *Index) Rematch(ctx context.Context, db *advisory.DB, changed []advisory.PackageKey, fn func(Verdict) error) error {
	concerned, owners := x.concerned(changed)
	if len(concerned) == 0 {
		return nil
	}
	list := make([]software.Package, len(concerned))
	for i, c := range concerned {
		list[i] = c.Package
	}
	results, err := db.MatchEach(ctx, list)
	if err != nil {
		return err
	}
	for _, o := range owners {
		if err := ctx.Err(); err != nil {
			return err
		}
		v := Verdict{ID: o.id}
		for _, i := range o.concerned {
			v.Packages = append(v.Packages, list[i])
			v.Findings = append(v.Findings, results[i].Findings...)
			v.Excluded = append(v.Excluded, results[i].Excluded...)
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	return nil
}

// owner is an inventory and which of the concerned packages it has.
type owner struct {
	id        string
	concerned []int
}

// concerned lists the different packages behind keys, and who has them.
func (x *Index) concerned(changed []advisory.PackageKey) (packages []held, owners []owner) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	seen := map[uint32]bool{}
	byOwner := map[uint32]int{}
	for _, key := range changed {
		for _, n := range x.byKey[key] {
			h := x.packages[n]
			if seen[n] || h.owners.IsEmpty() {
				continue
			}
			seen[n] = true
			it := h.owners.Iterator()
			for it.HasNext() {
				o := it.Next()
				at, ok := byOwner[o]
				if !ok {
					at = len(owners)
					byOwner[o] = at
					owners = append(owners, owner{id: x.ids[o]})
				}
				owners[at].concerned = append(owners[at].concerned, len(packages))
			}
			packages = append(packages, h)
		}
	}
	slices.SortFunc(owners, func(a, b owner) int { return cmp.Compare(a.id, b.id) })
	return packages, owners
}
