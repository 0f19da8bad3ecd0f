package posture

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/cow"
)

// filter is the resources that a query selects: the scope, a type, and words
// found in ids.
type filter struct {
	v     *View
	bits  *roaring.Bitmap // nil: all
	words []string
	named map[string]*roaring.Bitmap // by joined words
}

func (v *View) newFilter(scope Scope, typ, text string) *filter {
	f := &filter{v: v, bits: v.resolve(scope).set(), words: strings.Fields(strings.ToLower(text))}
	if typ != "" {
		bits := cow.None
		if n, ok := v.names.types.find(arm.Fold(typ)); ok {
			bits = v.types.At(n).Bits()
		}
		f.narrow(bits)
	}
	return f
}

func (f *filter) narrow(bits *roaring.Bitmap) {
	if f.bits == nil {
		f.bits = bits
		return
	}
	f.bits = roaring.And(f.bits, bits)
}

// all is the set of everything selected, words apart.
func (f *filter) all() *roaring.Bitmap {
	if f.bits == nil {
		return f.v.all.Bits()
	}
	return f.bits
}

// and intersects a set with the selection, words apart. The result must not be
// written.
func (f *filter) and(bits *roaring.Bitmap) *roaring.Bitmap {
	if f.bits == nil {
		return bits
	}
	return roaring.And(bits, f.bits)
}

// withWords keeps what has every word in its id or display name. text is
// searched for the words first, on behalf of all rows.
func (f *filter) withWords(bits *roaring.Bitmap, text string) *roaring.Bitmap {
	var left []string
	text = strings.ToLower(text)
	for _, w := range f.words {
		if !strings.Contains(text, w) {
			left = append(left, w)
		}
	}
	if len(left) == 0 || bits.IsEmpty() {
		return bits
	}
	return roaring.And(bits, f.find(left))
}

// find scans the selection for words, once per list of words.
func (f *filter) find(words []string) *roaring.Bitmap {
	key := strings.Join(words, " ")
	if found, ok := f.named[key]; ok {
		return found
	}
	found := roaring.New()
	it := f.all().Iterator()
	for it.HasNext() {
		if r := f.v.rows.At(it.Next()); r != nil && r.hasWords(words) {
			found.Add(r.handle)
		}
	}
	if f.named == nil {
		f.named = map[string]*roaring.Bitmap{}
	}
	f.named[key] = found
	return found
}

// hasWords searches id and display name; words are lower case.
func (r *row) hasWords(words []string) bool {
	for _, w := range words {
		if !containsFold(r.id, w) && (r.container == nil || !containsFold(r.container.display, w)) {
			return false
		}
	}
	return true
}

// containsFold reports whether s contains the lower-case word, in any case and
// without allocating.
func containsFold(s, word string) bool {
	if word == "" {
		return true
	}
	first := word[0]
	for i := 0; i+len(word) <= len(s); i++ {
		if lower(s[i]) == first && equalFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

func equalFold(s, low string) bool {
	for i := range len(low) {
		if lower(s[i]) != low[i] {
			return false
		}
	}
	return true
}
