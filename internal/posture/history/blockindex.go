package history

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// maxIndexed bounds the memory of a block index, in bytes.
const maxIndexed = 64 << 20

// blockIndex remembers which resources the full blocks of a history are about, so
// that the history of one resource reads few of them. Full blocks never change. It
// may be used from any goroutine.
type blockIndex struct {
	mu     sync.Mutex
	blocks map[blockKey]*indexed
	size   uint64
}

type blockKey struct {
	first, last uint64
	part        uint32
	entries     int
}

// indexed is what is known of a block.
type indexed struct {
	handles *roaring.Bitmap // nil: not known
	gone    []goneResource  // see known
	known   bool            // gone is known
}

type goneResource struct {
	handle uint32
	id     string
}

func keyOf(m *store.Moves) blockKey { return blockKey{m.First, m.Seq, m.Part, m.Entries} }

// without reports whether a block is known to be about none of some resources.
func (x *blockIndex) without(m *store.Moves, handles *roaring.Bitmap) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.blocks[keyOf(m)]
	return b != nil && b.handles != nil && !b.handles.Intersects(handles)
}

// gone are the resources that went in a block; ok is false if that is not known.
func (x *blockIndex) gone(m *store.Moves) (all []goneResource, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.blocks[keyOf(m)]
	if b == nil {
		return nil, false
	}
	return b.gone, b.known
}

// put notes what a block is about, if it is full; handles may be nil. The block is
// opened in r.
func (x *blockIndex) put(m *store.Moves, r *BlockReader, handles *roaring.Bitmap) {
	if !m.Sealed {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.size > maxIndexed || x.blocks == nil {
		x.blocks, x.size = map[blockKey]*indexed{}, 0
	}
	b := x.blocks[keyOf(m)]
	if b == nil {
		b = &indexed{}
		x.blocks[keyOf(m)] = b
	}
	if handles != nil && b.handles == nil {
		handles.RunOptimize()
		b.handles = handles
		x.size += handles.GetSizeInBytes()
	}
	if !b.known {
		b.known = true
		for _, g := range r.gone {
			b.gone = append(b.gone, goneResource{g.handle, string(g.id)})
			x.size += uint64(len(g.id)) + 24
		}
	}
}
