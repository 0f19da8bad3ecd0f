package image

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image/layer"
	"github.com/rampart-sec/rampart/internal/vuln/image/source"
)

// Options say how images are scanned. Advisories and Now are needed.
type Options struct {
	Advisories *advisory.DB
	Cache      *Cache // nil keeps nothing
	Limits     layer.Limits
	NoSecrets  bool
	Now        func() time.Time
	// Progress, if not nil, is told how many layers of how many were read.
	Progress func(done, total int)
}

// Scan scans an image. The error is the reason why nothing is known of it; the
// report says itself what of it could not be read.
func Scan(ctx context.Context, m *source.Image, o Options) (*Report, error) {
	start := o.Now()
	inventory, err := Read(ctx, m, o)
	if err != nil {
		return nil, err
	}
	r := &Report{Inventory: *inventory, Status: Completed}
	if err := r.match(ctx, o.Advisories); err != nil {
		return nil, err
	}
	r.Scanned = start.UTC()
	r.Seconds = o.Now().Sub(start).Seconds()
	return r, nil
}

// Read reads what is in an image, without asking any advisory. An Inventory can
// be matched again when advisories change; the image is not needed for that.
func Read(ctx context.Context, m *source.Image, o Options) (*Inventory, error) {
	if o.Limits == (layer.Limits{}) {
		o.Limits = layer.DefaultLimits()
	}
	lo := layer.Options{Limits: o.Limits, Secrets: !o.NoSecrets}
	s, err := readStack(ctx, m, o, lo)
	if err != nil {
		return nil, err
	}
	if want := s.wanted(); len(want) > 0 {
		// Something that matters has another name than usual: once more, with
		// open eyes. This is rare.
		lo.Want, o.Cache = want, nil
		if s, err = readStack(ctx, m, o, lo); err != nil {
			return nil, err
		}
	}
	return newInventory(m, s, o.Now()), nil
}

func readStack(ctx context.Context, m *source.Image, o Options, lo layer.Options) (*stack, error) {
	s := newStack()
	if m.Folder != "" {
		l, err := layer.Folder(ctx, m.Folder, lo)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m.Folder, err)
		}
		s.add(0, l)
		return s, nil
	}
	entries := 0
	for i, sl := range m.Layers {
		if o.Progress != nil {
			o.Progress(i, len(m.Layers))
		}
		if sl.Foreign {
			continue // named in the inventory as not read
		}
		l := o.Cache.get(sl.Digest)
		if l == nil {
			var err error
			if l, err = readLayer(ctx, sl, lo); err != nil {
				return nil, fmt.Errorf("layer %d of %d: %w", i+1, len(m.Layers), err)
			}
			o.Cache.put(sl.Digest, l)
		}
		if entries += l.Entries; entries > o.Limits.Entries {
			return nil, fmt.Errorf("layer %d of %d: %w: more than %d files in all layers", i+1, len(m.Layers), layer.ErrHostile, o.Limits.Entries)
		}
		s.add(i, l)
	}
	if o.Progress != nil {
		o.Progress(len(m.Layers), len(m.Layers))
	}
	return s, nil
}

// packages gives the packages that are left, settled and each once. Packages of
// lock files that are installed too are named by where they are installed.
func (s *stack) packages(release *software.Release) []Package {
	var settled software.Release
	if release != nil {
		settled = *release
	}
	var all []Package
	installed := map[string]bool{}
	key := func(p *software.Package) string { return p.Ecosystem + "\x00" + p.Name + "\x00" + p.Version }
	add := func(f *placed) {
		list := slices.Clone(f.Packages)
		if f.Format != "" {
			settled.Settle(f.Format, list)
		}
		since := s.since[f.Path]
		for i := range list {
			p := &list[i]
			if f.Kind == software.Locked && installed[key(p)] {
				continue
			}
			installed[key(p)] = true
			n := f.layer
			if at, ok := since[identity{p.Name, p.Version, p.Arch}]; ok {
				n = at
			}
			all = append(all, Package{Package: *p, LayerIndex: n})
		}
	}
	files := s.sorted()
	for _, locked := range []bool{false, true} {
		for _, f := range files {
			if (f.Kind == software.Locked) == locked {
				add(f)
			}
		}
	}
	return all
}
