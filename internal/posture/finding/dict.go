package finding

import (
	"strings"
	"sync"
)

// maxFindings bounds the different findings that are told apart: about as many
// as there are published vulnerabilities, several times over.
const maxFindings = 500_000

// Other is the number of findings beyond what a Dict holds: they count and are
// listed, but cannot be searched for.
const Other = 0

// Dict numbers the different findings of an estate. What is alike on many
// resources is kept once. It only grows, up to its bound, and is safe for use by
// several goroutines.
type Dict struct {
	mu    sync.RWMutex
	ids   map[string]uint32
	all   []*Finding
	limit int
}

// NewDict is a Dict that knows no finding but Other, which is empty.
func NewDict() *Dict {
	return &Dict{ids: map[string]uint32{}, all: []*Finding{{}}, limit: maxFindings}
}

// Number is the number of a finding, a new one if need be. What it keeps of the
// finding's texts are copies.
func (d *Dict) Number(f *Finding) uint32 {
	key := keyOf(f)
	d.mu.RLock()
	n, ok := d.ids[key]
	d.mu.RUnlock()
	if ok {
		return n
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n, ok := d.ids[key]; ok {
		return n
	}
	if len(d.all) > d.limit {
		return Other
	}
	n = uint32(len(d.all))
	kept := *f
	kept.ID, kept.Title, kept.Category = strings.Clone(f.ID), strings.Clone(f.Title), strings.Clone(f.Category)
	d.ids[key] = n
	d.all = append(d.all, &kept)
	return n
}

// List are the findings by number; the caller must not change them.
func (d *Dict) List() []*Finding {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.all[:len(d.all):len(d.all)]
}

// keyOf tells findings apart by all that rules and searches look at.
func keyOf(f *Finding) string {
	var b strings.Builder
	for _, part := range append([]string{f.ID, f.Title, f.Report, f.Category, string(f.Severity), f.Digest, scoreText(f)}, f.CVEs...) {
		b.WriteString(part)
		b.WriteByte(0)
	}
	return b.String()
}

// scoreText is what of a finding is no text.
func scoreText(f *Finding) string {
	patch := byte('?')
	if f.Patchable != nil {
		patch = map[bool]byte{true: 'y', false: 'n'}[*f.Patchable]
	}
	tenths := int(f.CVSS*10 + 0.5)
	return string([]byte{patch, byte('0' + tenths/10), byte('0' + tenths%10)})
}
