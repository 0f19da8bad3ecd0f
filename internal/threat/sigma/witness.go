package sigma

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// witness is a literal that stands in a field of every record that a rule
// matches, in a place.
type witness struct {
	slot  event.Slot
	shape shape // exact, prefix, suffix or inner
	text  string
}

// minLiteral is the shortest literal that is looked for inside a value.
const minLiteral = 3

// witnesses gives a set of literals of which at least one is in each record that
// the code matches, and how dear it is to look whenever one is there; false if
// there is none.
func (e *Engine) witnesses(k *code, popular map[witness]int) (cost float64, ws []witness, ok bool) {
	switch k.op {
	case opPred:
		return e.preds[k.pred].witnesses(popular)
	case opAnd:
		for i := range k.kids {
			if c, w, found := e.witnesses(&k.kids[i], popular); found && (!ok || c < cost) {
				cost, ws, ok = c, w, true
			}
		}
		return cost, ws, ok
	case opOr, opCount:
		for i := range k.kids {
			c, w, found := e.witnesses(&k.kids[i], popular)
			if !found {
				if e.never(&k.kids[i]) {
					continue
				}
				return 0, nil, false
			}
			cost, ws = cost+c, append(ws, w...)
		}
		return cost, ws, len(ws) > 0
	}
	return 0, nil, false
}

func (p *predicate) witnesses(popular map[witness]int) (cost float64, ws []witness, ok bool) {
	for _, t := range p.tests() {
		w, found := p.witness(&t)
		if !found {
			if p.all {
				continue
			}
			return 0, nil, false
		}
		c := w.cost(popular)
		switch {
		case !p.all:
			cost, ws, ok = cost+c, append(ws, w), true
		case !ok || c < cost:
			cost, ws, ok = c, []witness{w}, true
		}
	}
	return cost, ws, ok
}

// tests are all tests of a predicate, those of its set too.
func (p *predicate) tests() []test {
	tests := p.values
	if p.exact != nil {
		tests = slices.Clone(tests)
		for text := range p.exact {
			tests = append(tests, test{shape: shapeExact, lit: []byte(text)})
		}
	}
	return tests
}

// keywordSlot is that of literals that stand anywhere in a record.
const keywordSlot event.Slot = -2

// witness is the literal of a test that is looked for. Those of keywords are
// looked for in the record as it was delivered, so they must look the same there
// as in values: ASCII that no format escapes.
func (p *predicate) witness(t *test) (witness, bool) {
	if !p.keyword {
		return t.witness(p.slot)
	}
	w, ok := t.witness(keywordSlot)
	w.shape = shapeInner
	w.text = longestPlain(w.text)
	return w, ok && len(w.text) >= minLiteral
}

// longestPlain is the longest part of a text that no format escapes.
func longestPlain(s string) (best string) {
	for _, part := range strings.FieldsFunc(s, func(r rune) bool {
		return r >= 0x7f || r < ' ' || strings.ContainsRune(`"\/<>&'`, r)
	}) {
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}

// witness is the literal that a value with a match has for certain. Values are
// looked for folded, cased ones too.
func (t *test) witness(slot event.Slot) (witness, bool) {
	switch t.shape {
	case shapeExact, shapePrefix, shapeSuffix, shapeInner:
		text := string(t.lit)
		if t.cased {
			text = event.Fold(text)
		}
		return witness{slot, t.shape, text}, t.shape == shapeExact || len(text) >= minLiteral
	case shapeGlob:
		best := ""
		for _, a := range t.glob {
			if a.kind == literal && len(a.text) > len(best) {
				best = a.text
			}
		}
		best = event.Fold(best)
		return witness{slot, shapeInner, best}, len(best) >= minLiteral
	case shapeOther:
		if t.value.kind == matchRegexp {
			best := regexpLiteral(t.value.re.String())
			return witness{slot, shapeInner, best}, len(best) >= minLiteral
		}
	}
	return witness{}, false
}

// cost estimates how often a literal leads to an evaluation: what many rules look
// for is common, and so is what is short.
func (w witness) cost(popular map[witness]int) float64 {
	n := float64(len(w.text))
	c := 1 + 10/(1+n*n/4)
	if w.shape == shapeExact {
		c /= 2
	}
	return c * float64(1+popular[w])
}

// countLiterals counts how many rules look for a literal.
func (e *Engine) countLiterals(k *code, popular map[witness]int) {
	if k.op == opPred {
		p := &e.preds[k.pred]
		for _, t := range p.tests() {
			if w, ok := p.witness(&t); ok {
				popular[w]++
			}
		}
	}
	for i := range k.kids {
		e.countLiterals(&k.kids[i], popular)
	}
}

// regexpLiteral is the longest text, folded, that every match of a regular
// expression has for certain; "" if there is none. Only ASCII counts: other
// characters fold in more than one way.
func regexpLiteral(text string) string {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return ""
	}
	return longestLiteral(re.Simplify())
}

func longestLiteral(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if c >= 0x80 {
				return ""
			}
			if re.Flags&syntax.FoldCase != 0 && (c|0x20 == 'k' || c|0x20 == 's') {
				return "" // these have a third form beyond ASCII
			}
		}
		return event.Fold(string(re.Rune))
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
		best := ""
		for _, sub := range re.Sub {
			if s := longestLiteral(sub); len(s) > len(best) {
				best = s
			}
		}
		return best
	case syntax.OpRepeat:
		if re.Min > 0 {
			return longestLiteral(re.Sub[0])
		}
	}
	return ""
}

// fieldIndex finds witnesses in the values of one field.
type fieldIndex struct {
	slot       event.Slot
	exact      map[string][]int32
	exactMax   int       // bytes of the longest text in exact
	long       gramTable // literals that are looked for at every fourth byte
	short      gramTable // of 4 to 6 bytes, at every byte
	three      gramTable // of 3 bytes
	hasLiteral bool
}

// longLiteral is from how many bytes on a literal has a piece of four bytes at
// every fourth place, wherever it stands.
const longLiteral = 7

// gramTable finds literals by pieces of them, grams, of four bytes (or three). A
// gram is compared with the bit that tells capitals set in every byte, which makes
// letters of both cases equal and other bytes nearly never.
type gramTable struct {
	stride int
	filter []uint64
	shift  uint
	grams  map[uint32][]gramEntry
}

type gramEntry struct {
	text  string
	shape shape
	at    int // of the gram in text
	rules []int32
}

func indexFields(lists map[witness][]int32) []fieldIndex {
	bySlot := map[event.Slot][]witness{}
	for w := range lists {
		bySlot[w.slot] = append(bySlot[w.slot], w)
	}
	var fields []fieldIndex
	for slot, ws := range bySlot {
		slices.SortFunc(ws, func(a, b witness) int {
			if c := strings.Compare(a.text, b.text); c != 0 {
				return c
			}
			return int(a.shape) - int(b.shape)
		})
		fields = append(fields, indexField(slot, ws, lists))
	}
	slices.SortFunc(fields, func(a, b fieldIndex) int { return int(a.slot) - int(b.slot) })
	return fields
}

func indexField(slot event.Slot, ws []witness, lists map[witness][]int32) fieldIndex {
	f := fieldIndex{slot: slot, exact: map[string][]int32{}}
	var long, short, three []witness
	for _, w := range ws {
		switch n := len(w.text); {
		case w.shape == shapeExact:
			f.exact[w.text] = lists[w]
			f.exactMax = max(f.exactMax, n)
		case n >= longLiteral:
			long = append(long, w)
		case n >= 4:
			short = append(short, w)
		default:
			three = append(three, w)
		}
	}
	f.long, f.short, f.three = newGramTable(4, 4, long, lists), newGramTable(4, 1, short, lists), newGramTable(3, 1, three, lists)
	f.hasLiteral = len(long)+len(short)+len(three) > 0
	return f
}

// commonGrams are pieces of what stands in nearly every value.
var commonGrams = []string{".exe", "\\win", "indo", "ndow", "dows", "ows\\", "syst", "yste", "stem", "tem3", "em32", "m32\\", ":\\wi", "c:\\w", "prog", "rogr", "ogra", "gram", "\\pro", "user", "sers", "ers\\", "\\use", "micr", "icro", "cros", "roso", "osof", "soft", "http", "ttp:", "tps:", "://w", "www.", ".com", ".dll", "oft\\", "hklm", "klm\\", "\\sof", "oftw", "ftwa", "twar", "ware", "are\\", "hell", "powe", "ower", "wers", "ersh", "rshe", "shel", "ell."}

func newGramTable(size, stride int, ws []witness, lists map[witness][]int32) gramTable {
	t := gramTable{stride: stride}
	if len(ws) == 0 {
		return t
	}
	count := map[uint32]int{}
	for _, w := range ws {
		for i := 0; i+size <= len(w.text); i++ {
			count[gram(w.text[i:], size)]++
		}
	}
	if size == 4 {
		for _, g := range commonGrams {
			count[gram(g, size)] += 1000
		}
	}
	bits := uint(12)
	for 1<<bits < 32*stride*len(ws) && bits < 19 {
		bits++
	}
	t.filter, t.shift, t.grams = make([]uint64, 1<<bits/64), 32-bits, map[uint32][]gramEntry{}
	for _, w := range ws {
		at, best := 0, 1<<30
		for i := 0; i+stride-1+size <= len(w.text); i++ {
			sum := 0
			for k := range stride {
				sum += count[gram(w.text[i+k:], size)]
			}
			if sum < best {
				at, best = i, sum
			}
		}
		for k := range stride {
			g := gram(w.text[at+k:], size)
			h := gramHash(g) >> t.shift
			t.filter[h/64] |= 1 << (h % 64)
			t.grams[g] = append(t.grams[g], gramEntry{w.text, w.shape, at + k, lists[w]})
		}
	}
	return t
}

// capitals are the bits that tell capital letters from small ones.
const capitals = 0x20202020

func gram(s string, size int) uint32 {
	g := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16
	if size == 4 {
		g |= uint32(s[3]) << 24
	}
	return g | capitals
}

func gramHash(g uint32) uint32 { return g * 0x9E3779B1 }

// scan makes candidates of the rules of each literal that stands in text, which is
// in lower case, or with anyCase in whatever case.
func (f *fieldIndex) scan(text []byte, anyCase bool, m *Matcher) {
	if !f.hasLiteral {
		return
	}
	f.long.scan(text, anyCase, m)
	f.short.scan(text, anyCase, m)
	if f.three.filter != nil {
		f.three.scanThree(text, anyCase, m)
	}
}

func (t *gramTable) scan(text []byte, anyCase bool, m *Matcher) {
	if t.filter == nil {
		return
	}
	filter, shift := t.filter, t.shift&31
	for i := 0; i+4 <= len(text); i += t.stride {
		g := binary.LittleEndian.Uint32(text[i:]) | capitals
		if h := gramHash(g) >> shift; filter[h/64]&(1<<(h%64)) != 0 {
			t.verify(text, i, g, anyCase, m)
		}
	}
}

func (t *gramTable) scanThree(text []byte, anyCase bool, m *Matcher) {
	for i := 0; i+3 <= len(text); i++ {
		g := uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16 | capitals
		if h := gramHash(g) >> t.shift; t.filter[h/64]&(1<<(h%64)) != 0 {
			t.verify(text, i, g, anyCase, m)
		}
	}
}

func (t *gramTable) verify(text []byte, i int, g uint32, anyCase bool, m *Matcher) {
	entries := t.grams[g]
	for k := range entries {
		x := &entries[k]
		start := i - x.at
		end := start + len(x.text)
		if start < 0 || end > len(text) || x.shape == shapePrefix && start != 0 || x.shape == shapeSuffix && end != len(text) {
			continue
		}
		if string(text[start:end]) == x.text || anyCase && equalLower(text[start:end], x.text) {
			m.candidates(x.rules)
		}
	}
}

// equalLower compares ASCII in any case with text in lower case.
func equalLower(b []byte, lower string) bool {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
