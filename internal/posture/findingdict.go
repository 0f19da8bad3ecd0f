package posture

import (
	"strings"
	"sync"

	"github.com/rampart-sec/rampart/internal/finding"
)

// maxFindings bounds the different findings that are told apart: about as many
// as there are published vulnerabilities, several times over.
const maxFindings = 500_000

// otherFinding is the number of findings beyond that: they count and are listed,
// but cannot be searched for.
const otherFinding = 0

// findingDict numbers the different findings of an estate. What is alike on many
// resources is kept once. Like every dict it only grows, up to its bound.
type findingDict struct {
	mu    sync.RWMutex
	ids   map[string]uint32
	all   []*finding.Finding
	limit int
}

func newFindingDict() *findingDict {
	return &findingDict{ids: map[string]uint32{}, all: []*finding.Finding{{}}, limit: maxFindings}
}

// id is the number of a finding, a new one if need be.
func (d *findingDict) id(f *finding.Finding) uint32 {
	key := findingKey(f)
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
		return otherFinding
	}
	n = uint32(len(d.all))
	kept := *f
	kept.ID, kept.Title, kept.Category = strings.Clone(f.ID), strings.Clone(f.Title), strings.Clone(f.Category)
	d.ids[key] = n
	d.all = append(d.all, &kept)
	return n
}

// findingKey tells findings apart by all that rules and searches look at.
func findingKey(f *finding.Finding) string {
	var b strings.Builder
	for _, part := range append([]string{f.ID, f.Title, f.Report, f.Category, string(f.Severity), f.Digest, scoreText(f)}, f.CVEs...) {
		b.WriteString(part)
		b.WriteByte(0)
	}
	return b.String()
}

// scoreText is what of a finding is no text.
func scoreText(f *finding.Finding) string {
	patch := byte('?')
	if f.Patchable != nil {
		patch = map[bool]byte{true: 'y', false: 'n'}[*f.Patchable]
	}
	tenths := int(f.CVSS*10 + 0.5)
	return string([]byte{patch, byte('0' + tenths/10), byte('0' + tenths%10)})
}

// list are the findings by number; the caller must not change the slice.
func (d *findingDict) list() []*finding.Finding {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.all[:len(d.all):len(d.all)]
}
