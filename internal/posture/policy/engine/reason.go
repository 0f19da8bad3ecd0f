package engine

import "sync"

// reasons numbers the texts that explain unknown and failed verdicts: paths
// that rules read. Their number is bounded by the rules, not by documents. The
// code 0 is no reason.
type reasons struct {
	mu    sync.Mutex
	codes map[string]uint32
	texts []string
}

func newReasons() *reasons { return &reasons{codes: map[string]uint32{}, texts: []string{""}} }

func (r *reasons) code(text string) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.codes[text]; ok {
		return c
	}
	c := uint32(len(r.texts))
	r.codes[text] = c
	r.texts = append(r.texts, text)
	return c
}

func (r *reasons) text(code uint32) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if int(code) >= len(r.texts) {
		return ""
	}
	return r.texts[code]
}
