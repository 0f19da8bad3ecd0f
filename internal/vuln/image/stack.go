package image

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/image/layer"
)

// stack lays layers over one another and knows which files that matter are left.
type stack struct {
	files map[string]*placed
	// above has the hash of every path in files and of every folder above one:
	// what a layer brings that is not in it changes nothing here.
	above map[uint64]string
	// since says for each package of a path in which layer it appeared, so that
	// a database that is rewritten keeps what it had.
	since map[string]map[identity]int
	links map[string]string // whose targets were not read
	// buried are files with secrets that a later layer covers: who pulls the
	// image has them all the same.
	buried []*placed
}

type placed struct {
	layer.File
	layer int
}

type identity struct{ name, version, arch string }

func newStack() *stack {
	return &stack{files: map[string]*placed{}, above: map[uint64]string{}, since: map[string]map[identity]int{}, links: map[string]string{}}
}

// add lays one layer over those before.
func (s *stack) add(n int, l *layer.Layer) {
	if len(s.files)+len(s.links) > 0 {
		s.cover(l)
	}
	for i := range l.Files {
		s.place(n, &l.Files[i])
	}
	for name, target := range l.Links {
		s.links[name] = target
		s.note(name)
	}
}

// cover takes away what a layer removes or replaces, and what lies below it, in
// one pass over what is there.
func (s *stack) cover(l *layer.Layer) {
	gone, emptied := map[string]bool{}, map[string]bool{}
	for _, dir := range l.Opaque {
		emptied[dir] = true
	}
	for _, name := range l.Whiteouts {
		gone[name] = true
	}
	for _, h := range l.Present {
		if name, ok := s.above[h]; ok {
			gone[name] = true
		}
	}
	if len(gone)+len(emptied) == 0 {
		return
	}
	covered := func(name string) bool {
		if gone[name] || emptied[""] {
			return true
		}
		for i := strings.LastIndexByte(name, '/'); i >= 0; i = strings.LastIndexByte(name, '/') {
			if name = name[:i]; gone[name] || emptied[name] {
				return true
			}
		}
		return false
	}
	maps.DeleteFunc(s.files, func(name string, f *placed) bool {
		if !covered(name) {
			return false
		}
		if len(f.Secrets) > 0 {
			s.buried = append(s.buried, f)
		}
		return true
	})
	maps.DeleteFunc(s.links, func(name string, _ string) bool { return covered(name) })
}

func (s *stack) place(n int, f *layer.File) {
	s.files[f.Path] = &placed{*f, n}
	s.note(f.Path)
	before := s.since[f.Path]
	now := make(map[identity]int, len(f.Packages))
	for _, p := range f.Packages {
		id := identity{p.Name, p.Version, p.Arch}
		if layer, ok := before[id]; ok {
			now[id] = layer
		} else {
			now[id] = n
		}
	}
	s.since[f.Path] = now
}

// note remembers a path and the folders above it.
func (s *stack) note(p string) {
	for {
		h := layer.Hash(p)
		if _, ok := s.above[h]; ok {
			return
		}
		s.above[h] = p
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return
		}
		p = p[:i]
	}
}

// release is what the uppermost os-release says, etc before usr/lib.
func (s *stack) release() *software.Release {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if f := s.files[name]; f != nil && f.Release != nil {
			return f.Release
		}
	}
	return nil
}

// coveredSecrets gives the buried files, by path and layer.
func (s *stack) coveredSecrets() []*placed {
	slices.SortFunc(s.buried, func(a, b *placed) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.layer, b.layer)) })
	return s.buried
}

// sorted gives the files that are left, by path.
func (s *stack) sorted() []*placed {
	return slices.SortedFunc(maps.Values(s.files), func(a, b *placed) int { return cmp.Compare(a.Path, b.Path) })
}

// wanted gives the targets of links that matter and were not read, with how
// they are to be read.
func (s *stack) wanted() map[string]software.File {
	want := map[string]software.File{}
	for name, target := range s.links {
		if s.files[name] != nil {
			continue
		}
		for range 16 { // links to links
			next, ok := s.links[target]
			if !ok {
				break
			}
			target = next
		}
		if f := s.files[target]; f == nil && software.Recognise(target).Kind == software.None {
			want[target] = software.Recognise(name)
		}
	}
	return want
}
