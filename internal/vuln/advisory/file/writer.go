package file

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
)

// Writer collects advisories and writes them to a file. It is not for several
// goroutines.
type Writer struct {
	advisories []byte
	starts     []uint64 // of advisories
	dropped    []bool   // by advisory
	keys       map[string]int32
	names      []string // by key
	claims     []byte
	places     []place
	facts      map[uint64]exploit.Facts
}

// place is where a claim is.
type place struct {
	key, ref int32
	start    uint64
	length   uint32
}

// NewWriter makes an empty one.
func NewWriter() *Writer {
	return &Writer{keys: map[string]int32{}, facts: map[uint64]exploit.Facts{}}
}

// Key is how the database names a package.
func Key(base, name string) string { return base + "\x00" + name }

// Advisory adds an advisory of a feed; claims refer to it by the number given.
func (w *Writer) Advisory(a *affected.Advisory, feed string) int {
	return w.rawAdvisory(encodeAdvisory(a, feed))
}

func (w *Writer) rawAdvisory(raw []byte) int {
	w.starts = append(w.starts, uint64(len(w.advisories)))
	w.advisories = append(w.advisories, raw...)
	w.dropped = append(w.dropped, false)
	return len(w.starts) - 1
}

// Drop takes an advisory and its claims out again.
func (w *Writer) Drop(ref int) { w.dropped[ref] = true }

// Claim adds what an advisory says of a package.
func (w *Writer) Claim(ref int, p *affected.Package) {
	w.rawClaim(ref, Key(p.Ecosystem.Base, p.Name), encodeClaim(p))
}

func (w *Writer) rawClaim(ref int, key string, raw []byte) {
	k, ok := w.keys[key]
	if !ok {
		k = int32(len(w.names))
		w.keys[key] = k
		w.names = append(w.names, key)
	}
	w.places = append(w.places, place{k, int32(ref), uint64(len(w.claims)), uint32(len(raw))})
	w.claims = append(w.claims, raw...)
}

// SetFacts adds what is known of a CVE; it is ignored if the name is none. Of two
// scores and severities the higher holds.
func (w *Writer) SetFacts(cve string, f exploit.Facts) {
	n, ok := cveNumber(cve)
	if !ok {
		return
	}
	have := w.facts[n]
	if !f.Added.IsZero() {
		have.Added = f.Added
	}
	if f.EPSS > 0 {
		have.EPSS = f.EPSS
	}
	have.Score, have.Severity = max(have.Score, f.Score), max(have.Severity, f.Severity)
	w.facts[n] = have
}

func (w *Writer) copyAdvisory(r *Reader, ref int) (int, error) {
	raw, err := r.rawAdvisory(ref)
	if err != nil {
		return 0, err
	}
	return w.rawAdvisory([]byte(raw)), nil
}

// CopyFrom adds everything of another file that keep asks for.
func (w *Writer) CopyFrom(r *Reader, keep func(a *affected.Advisory, feed string) bool) error {
	refs := make([]int, r.Len())
	for i := range refs {
		a, feed, err := r.Advisory(i)
		if err != nil {
			return err
		}
		refs[i] = -1
		if !keep(&a, feed) {
			continue
		}
		if refs[i], err = w.copyAdvisory(r, i); err != nil {
			return err
		}
	}
	return r.eachClaim(func(key string, ref int, raw string) error {
		if ref >= len(refs) {
			return fmt.Errorf("%w: a claim of advisory %d of %d", ErrDamaged, ref, len(refs))
		}
		if refs[ref] >= 0 {
			w.rawClaim(refs[ref], key, []byte(raw))
		}
		return nil
	})
}

// Commit writes the file and gives it its name in one step: readers see the old
// one or the new one. The folder must exist.
func (w *Writer) Commit(path string, meta []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".advisories-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = w.write(tmp, meta)
	if err == nil {
		err = tmp.Sync()
	}
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}

// write fills an empty file; the header comes last, since it has the checksums.
func (w *Writer) write(f *os.File, meta []byte) error {
	if _, err := f.Seek(int64(headerBytes), io.SeekStart); err != nil {
		return err
	}
	out := &sectionWriter{w: bufio.NewWriterSize(f, 1<<20), offset: uint64(headerBytes), header: []byte(magic)}
	out.begin(secMeta)
	out.add(meta)
	w.writeKeys(out)
	w.writeAdvisories(out)
	w.writeFacts(out)
	out.end()
	if out.err == nil {
		out.err = out.w.Flush()
	}
	if out.err != nil {
		return out.err
	}
	header := binary.LittleEndian.AppendUint32(out.header, crc32.Checksum(out.header, castagnoli))
	_, err := f.WriteAt(header, 0)
	return err
}

// writeKeys writes the names of packages and their claims, sorted by name.
func (w *Writer) writeKeys(out *sectionWriter) {
	rank := w.rankKeys()
	slices.SortFunc(w.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(rank.of[a.key], rank.of[b.key]), cmp.Compare(a.ref, b.ref), cmp.Compare(a.start, b.start))
	})
	refs := w.newRefs()
	var text, keyStarts, claimStarts, claims []byte
	next := 0
	for _, k := range rank.sorted {
		keyStarts = binary.LittleEndian.AppendUint32(keyStarts, uint32(len(text)))
		claimStarts = binary.LittleEndian.AppendUint64(claimStarts, uint64(len(claims)))
		text = append(text, w.names[k]...)
		for ; next < len(w.places) && w.places[next].key == k; next++ {
			p := w.places[next]
			if refs[p.ref] < 0 {
				continue
			}
			ref := binary.AppendUvarint(nil, uint64(refs[p.ref]))
			claims = binary.AppendUvarint(claims, uint64(len(ref))+uint64(p.length))
			claims = append(claims, ref...)
			claims = append(claims, w.claims[p.start:p.start+uint64(p.length)]...)
		}
	}
	if len(text) > math.MaxUint32 {
		out.err = fmt.Errorf("names of packages take %d bytes", len(text))
	}
	keyStarts = binary.LittleEndian.AppendUint32(keyStarts, uint32(len(text)))
	claimStarts = binary.LittleEndian.AppendUint64(claimStarts, uint64(len(claims)))
	out.begin(secKeyText)
	out.add(text)
	out.begin(secKeyStarts)
	out.add(keyStarts)
	out.begin(secClaimStarts)
	out.add(claimStarts)
	out.begin(secClaims)
	out.add(claims)
}

// ranking orders keys.
type ranking struct {
	sorted []int32
	of     []int32
}

// rankKeys sorts the keys that have a claim left.
func (w *Writer) rankKeys() ranking {
	used := make([]bool, len(w.names))
	for _, p := range w.places {
		used[p.key] = used[p.key] || !w.dropped[p.ref]
	}
	r := ranking{of: make([]int32, len(w.names))}
	for k := range w.names {
		if used[k] {
			r.sorted = append(r.sorted, int32(k))
		} else {
			r.of[k] = math.MaxInt32
		}
	}
	slices.SortFunc(r.sorted, func(a, b int32) int { return cmp.Compare(w.names[a], w.names[b]) })
	for i, k := range r.sorted {
		r.of[k] = int32(i)
	}
	return r
}

// newRefs numbers the advisories that are left; -1 for the others.
func (w *Writer) newRefs() []int {
	refs, n := make([]int, len(w.starts)), 0
	for i := range refs {
		refs[i] = -1
		if !w.dropped[i] {
			refs[i] = n
			n++
		}
	}
	return refs
}

func (w *Writer) writeAdvisories(out *sectionWriter) {
	starts := append(slices.Clone(w.starts), uint64(len(w.advisories)))
	var index []byte
	offset := uint64(0)
	out.begin(secAdvisories)
	for i := range w.starts {
		if w.dropped[i] {
			continue
		}
		index = binary.LittleEndian.AppendUint64(index, offset)
		offset += starts[i+1] - starts[i]
		out.add(w.advisories[starts[i]:starts[i+1]])
	}
	index = binary.LittleEndian.AppendUint64(index, offset)
	out.begin(secAdvisoryStart)
	out.add(index)
}

func (w *Writer) writeFacts(out *sectionWriter) {
	numbers := make([]uint64, 0, len(w.facts))
	for n := range w.facts {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	out.begin(secFacts)
	var row []byte
	for _, n := range numbers {
		row = appendFact(row[:0], n, w.facts[n])
		out.add(row)
	}
}

// sectionWriter writes sections in their order and builds the header.
type sectionWriter struct {
	w      *bufio.Writer
	header []byte
	offset uint64
	length uint64
	sum    uint32
	open   bool
	err    error
}

// begin ends the section before; sections come in the order of their numbers.
func (s *sectionWriter) begin(n section) {
	s.end()
	if want := section((len(s.header) - len(magic)) / sectionBytes); n != want {
		panic(fmt.Sprintf("section %d where %d belongs", n, want))
	}
	s.open = true
}

func (s *sectionWriter) add(b []byte) {
	if s.err != nil {
		return
	}
	_, s.err = s.w.Write(b)
	s.length += uint64(len(b))
	s.sum = crc32.Update(s.sum, castagnoli, b)
}

func (s *sectionWriter) end() {
	if !s.open {
		return
	}
	s.header = binary.LittleEndian.AppendUint64(s.header, s.offset)
	s.header = binary.LittleEndian.AppendUint64(s.header, s.length)
	s.header = binary.LittleEndian.AppendUint32(s.header, s.sum)
	s.offset, s.length, s.sum, s.open = s.offset+s.length, 0, 0, false
}
