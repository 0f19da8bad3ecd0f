package cow

const (
	pageBits = 8
	pageSize = 1 << pageBits
)

// Table is a sparse array of pointers, copied on write page by page, so that
// an epoch that changes one entry shares all other pages with the one before.
// The zero table is empty.
type Table[T any] struct {
	epoch uint64 // that owns pages
	pages []*page[T]
}

type page[T any] struct {
	epoch uint64
	at    [pageSize]*T
}

// At is the entry at i, nil if there is none.
func (t *Table[T]) At(i uint32) *T {
	n := int(i >> pageBits)
	if n >= len(t.pages) || t.pages[n] == nil {
		return nil
	}
	return t.pages[n].at[i&(pageSize-1)]
}

// Own makes the table one of an epoch. Then several goroutines may read and Put
// entries below Limit at once, if no two of them use the same 256 entries (i >> 8).
func (t *Table[T]) Own(epoch uint64) {
	if t.epoch != epoch {
		t.pages = append([]*page[T](nil), t.pages...)
		t.epoch = epoch
	}
}

// Put stores an entry in an epoch; nil removes it.
func (t *Table[T]) Put(epoch uint64, i uint32, v *T) {
	n := int(i >> pageBits)
	t.Own(epoch)
	for n >= len(t.pages) {
		t.pages = append(t.pages, nil)
	}
	p := t.pages[n]
	if p == nil {
		p = &page[T]{epoch: epoch}
	} else if p.epoch != epoch {
		p = &page[T]{epoch: epoch, at: p.at}
	}
	p.at[i&(pageSize-1)] = v
	t.pages[n] = p
}

// Each calls fn for every entry in order until it returns false.
func (t *Table[T]) Each(fn func(i uint32, v *T) bool) {
	for n, p := range t.pages {
		if p == nil {
			continue
		}
		for k, v := range p.at {
			if v != nil && !fn(uint32(n<<pageBits|k), v) {
				return
			}
		}
	}
}

// Limit is a number beyond every entry.
func (t *Table[T]) Limit() uint32 { return uint32(len(t.pages)) << pageBits }
