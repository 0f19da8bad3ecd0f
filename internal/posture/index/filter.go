package index

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// filter is the resources that a query selects: the scope, a type, and words
// found in ids.
type filter struct {
	v     *View
	bits  *roaring.Bitmap // nil: all
	words []string
	named map[string]*roaring.Bitmap // by joined words
}

// Filter selects the resources of a scope by type (as written, "" any) and by words
// in their name.
func (v *View) Filter(scope Scope, typ, text string) *filter {
	f := &filter{v: v, words: strings.Fields(strings.ToLower(text))}
	if typ == "" {
		f.bits = v.Resolve(scope).set()
		return f
	}
	bits := cow.None
	if n, ok := v.names.Types.Find(arm.Fold(typ)); ok {
		bits = v.types.At(n).Bits()
	}
	if id := arm.Fold(strings.TrimSuffix(scope.ID, "/")); scope.Tag == "" && v.isResource(id) {
		f.bits = v.below(id, bits) // fewer rows to look at
		return f
	}
	f.bits = v.Resolve(scope).set()
	f.narrow(bits)
	return f
}

func (f *filter) narrow(bits *roaring.Bitmap) {
	if f.bits == nil {
		f.bits = bits
		return
	}
	f.bits = roaring.And(f.bits, bits)
}

// All is the set of everything selected, words apart.
func (f *filter) All() *roaring.Bitmap {
	if f.bits == nil {
		return f.v.all.Bits()
	}
	return f.bits
}

// And intersects a set with the selection, words apart. The result must not be
// written.
func (f *filter) And(bits *roaring.Bitmap) *roaring.Bitmap {
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
	it := f.All().Iterator()
	for it.HasNext() {
		if r := f.v.Rows.At(it.Next()); r != nil && r.HasWords(words) {
			found.Add(r.Handle)
		}
	}
	if f.named == nil {
		f.named = map[string]*roaring.Bitmap{}
	}
	f.named[key] = found
	return found
}

// AssessedBy are the rows with a state in one of some slots.
func (v *View) AssessedBy(slots map[uint16]bool) *roaring.Bitmap {
	rows := roaring.New()
	for slot := range slots {
		for state := record.Healthy; state <= record.Exempt && int(slot) < len(v.Recs); state++ {
			rows.Or(v.Recs[slot][state].Bits())
		}
	}
	return rows
}

// InScope are the rows at and below a folded scope.
func (v *View) InScope(scope string) *roaring.Bitmap {
	if scope != "/" {
		if bits := v.Resolve(Scope{ID: scope}).set(); bits != nil {
			return bits
		}
	}
	return v.all.Bits()
}
