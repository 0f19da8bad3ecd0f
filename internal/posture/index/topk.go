package index

import "slices"

// topK keeps the k smallest items of a stream.
type topK[T any] struct {
	k     int
	less  func(a, b T) int
	items []T
	full  bool // items[k-1] is the largest of k kept ones
}

func newTopK[T any](k int, compare func(a, b T) int) *topK[T] {
	return &topK[T]{k: k, less: compare, items: make([]T, 0, 2*k)}
}

// add offers an item.
func (t *topK[T]) add(item T) {
	if t.full && t.less(item, t.items[t.k-1]) >= 0 {
		return
	}
	t.items = append(t.items, item)
	if len(t.items) == 2*t.k {
		t.settle()
	}
}

func (t *topK[T]) settle() {
	slices.SortFunc(t.items, t.less)
	if len(t.items) >= t.k {
		t.items = t.items[:t.k]
		t.full = true
	}
}

// sorted are the kept items in order.
func (t *topK[T]) sorted() []T {
	t.settle()
	return t.items
}
