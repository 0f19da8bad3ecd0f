package advisory

import (
	"context"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/export"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/osv"
)

// packageKey finds what advisories say of a package.
type packageKey struct{ base, name string }

// claim is what one advisory says of one package.
type claim struct {
	affected.Package
	ref int
}

// inPlace is the part of an OSV export that speaks of some packages.
type inPlace struct {
	path       string
	claims     map[packageKey][]claim
	advisories []affected.Advisory
	read       []Feed
}

// readExport reads what an export says of some packages: only archives of their
// ecosystems, and of those only records that name one of them.
func readExport(ctx context.Context, path string, sources []export.Source, packages []installed) (*inPlace, error) {
	in := &inPlace{path: path, claims: map[packageKey][]claim{}}
	names := map[string][]string{} // by base
	for _, p := range packages {
		names[p.base] = append(names[p.base], p.names...)
	}
	var all []string
	for _, n := range names {
		all = append(all, n...)
	}
	for _, s := range sources {
		wanted := all
		if s.Base != "" {
			wanted = names[s.Base]
		}
		if len(wanted) == 0 {
			continue
		}
		if err := in.readSource(ctx, s, wanted); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *inPlace) readSource(ctx context.Context, s export.Source, names []string) error {
	sieve := export.NewSieve(names)
	feed := Feed{Name: s.Base, Taken: s.Taken}
	err := s.Walk(ctx, func(_ string, data []byte, problem error) error {
		feed.Records++
		if problem != nil {
			feed.Skipped++
			return nil
		}
		if !sieve.Admits(data) {
			return nil
		}
		if !in.add(s.Base, data, &feed) {
			feed.Skipped++
		}
		return nil
	})
	if err != nil {
		return err
	}
	for base, releases := range releasesOf(sieve.Ecosystems()) {
		if s.Base == "" || s.Base == base {
			feed.Name, feed.Releases = base, releases
			in.read = mergeFeed(in.read, feed)
		}
	}
	return nil
}

// add takes what a record says of the packages of an ecosystem, or of all.
func (in *inPlace) add(base string, data []byte, feed *Feed) bool {
	r, err := osv.Parse(data)
	if err != nil {
		return false
	}
	adv, packages, _ := osv.Compile(r)
	if adv.Modified.After(feed.Newest) {
		feed.Newest = adv.Modified
	}
	ref := len(in.advisories)
	in.advisories = append(in.advisories, adv)
	for _, p := range packages {
		if base == "" || p.Ecosystem.Base == base {
			key := packageKey{p.Ecosystem.Base, p.Name}
			in.claims[key] = append(in.claims[key], claim{p, ref})
		}
	}
	return true
}

// mergeFeed adds a feed, or adds it to the one of its name; of two times of
// making the older holds.
func mergeFeed(feeds []Feed, f Feed) []Feed {
	i := slices.IndexFunc(feeds, func(o Feed) bool { return o.Name == f.Name })
	if i < 0 {
		return append(feeds, f)
	}
	o := &feeds[i]
	o.Records += f.Records
	o.Skipped += f.Skipped
	o.Releases = slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Releases, f.Releases))))
	if f.Taken.Before(o.Taken) {
		o.Taken = f.Taken
	}
	if f.Newest.After(o.Newest) {
		o.Newest = f.Newest
	}
	return feeds
}

// releasesOf sorts ecosystems by base.
func releasesOf(ecosystems []string) map[string][]string {
	out := map[string][]string{}
	for _, text := range ecosystems {
		e := ecosystem.Parse(text)
		if !ecosystem.Known(e.Base) {
			continue
		}
		list := out[e.Base]
		if ecosystem.Released(e.Base) && e.Release != "" && e.Channel == "" {
			list = append(list, e.Release)
		}
		out[e.Base] = list
	}
	for base, list := range out {
		slices.Sort(list)
		out[base] = slices.Compact(list)
	}
	return out
}

func (in *inPlace) candidates(p *installed, name string, fn func(*affected.Package, int)) error {
	list := in.claims[packageKey{p.base, name}]
	for i := range list {
		fn(&list[i].Package, list[i].ref)
	}
	return nil
}

func (in *inPlace) advisory(ref int) (affected.Advisory, error) { return in.advisories[ref], nil }

func (in *inPlace) feeds() []Feed { return in.read }

func (in *inPlace) facts(cves []string) (func(string) exploit.Facts, error) {
	kev, epss := exploit.Find(in.path)
	table := exploit.NewTable()
	wanted := map[string]bool{}
	for _, c := range cves {
		wanted[c] = true
	}
	if err := table.ReadFiles(kev, epss, func(cve string) bool { return wanted[cve] }); err != nil {
		return nil, err
	}
	return table.Of, nil
}

var _ source = (*inPlace)(nil)

// stampOf gives a pointer to a time, nil for none.
func stampOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
