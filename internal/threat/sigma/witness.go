package sigma

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"

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
	if p.keyword {
		return 0, nil, false
	}
	tests := p.tests()
	for _, t := range tests {
		w, found := t.witness(p.slot)
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
			if w, ok := t.witness(p.slot); ok {
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
	slot  event.Slot
	exact map[string][]int32
	four  gramTable // literals of at least four bytes
	three gramTable // of three
}

// gramTable finds literals by a piece of them, a gram: each has one whose place in
// the literal is known.
type gramTable struct {
	size   int // of a gram
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
			if a.text != b.text {
				if a.text < b.text {
					return -1
				}
				return 1
			}
			return int(a.shape) - int(b.shape)
		})
		f := fieldIndex{slot: slot, exact: map[string][]int32{}}
		var four, three []witness
		for _, w := range ws {
			switch {
			case w.shape == shapeExact:
				f.exact[w.text] = lists[w]
			case len(w.text) >= 4:
				four = append(four, w)
			default:
				three = append(three, w)
			}
		}
		f.four, f.three = newGramTable(4, four, lists), newGramTable(3, three, lists)
		fields = append(fields, f)
	}
	slices.SortFunc(fields, func(a, b fieldIndex) int { return int(a.slot) - int(b.slot) })
	return fields
}

// commonGrams are pieces of what stands in nearly every value.
var commonGrams = []string{".exe", "\\win", "indo", "ndow", "dows", "ows\\", "syst", "yste", "stem", "tem3", "em32", "m32\\", ":\\wi", "c:\\w", "prog", "rogr", "ogra", "gram", "\\pro", "user", "sers", "ers\\", "\\use", "micr", "icro", "cros", "roso", "osof", "soft", "http", "ttp:", "tps:", "://w", "www.", ".com", ".dll", "oft\\", "hklm", "klm\\", "\\sof", "oftw", "ftwa", "twar", "ware", "are\\", "hell", "powe", "ower", "wers", "ersh", "rshe", "shel", "ell."}

func newGramTable(size int, ws []witness, lists map[witness][]int32) gramTable {
	t := gramTable{size: size}
	if len(ws) == 0 {
		return t
	}
	count := map[uint32]int{}
	for _, w := range ws {
		for i := 0; i+size <= len(w.text); i++ {
			count[gram(w.text[i:], size)]++
		}
	}
	for _, g := range commonGrams {
		if size == 4 {
			count[gram(g, size)] += 1000
		}
	}
	bits := uint(12)
	for 1<<bits < 32*len(ws) && bits < 18 {
		bits++
	}
	t.filter, t.shift, t.grams = make([]uint64, 1<<bits/64), 32-bits, map[uint32][]gramEntry{}
	for _, w := range ws {
		at, best := 0, 1<<30
		for i := 0; i+size <= len(w.text); i++ {
			if n := count[gram(w.text[i:], size)]; n < best {
				at, best = i, n
			}
		}
		g := gram(w.text[at:], size)
		h := gramHash(g) >> t.shift
		t.filter[h/64] |= 1 << (h % 64)
		t.grams[g] = append(t.grams[g], gramEntry{w.text, w.shape, at, lists[w]})
	}
	return t
}

func gram(s string, size int) uint32 {
	g := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16
	if size == 4 {
		g |= uint32(s[3]) << 24
	}
	return g
}

func gramHash(g uint32) uint32 { return g * 0x9E3779B1 }

// scan calls found with the rules of each literal that stands in text.
func (t *gramTable) scan(text []byte, m *Matcher) {
	if t.filter == nil || len(text) < t.size {
		return
	}
	if t.size == 4 {
		last := len(text) - 4
		for i := 0; i <= last; i++ {
			g := binary.LittleEndian.Uint32(text[i:])
			if h := gramHash(g) >> t.shift; t.filter[h/64]&(1<<(h%64)) != 0 {
				t.verify(text, i, g, m)
			}
		}
		return
	}
	for i := 0; i+3 <= len(text); i++ {
		g := uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16
		if h := gramHash(g) >> t.shift; t.filter[h/64]&(1<<(h%64)) != 0 {
			t.verify(text, i, g, m)
		}
	}
}

func (t *gramTable) verify(text []byte, i int, g uint32, m *Matcher) {
	entries := t.grams[g]
	for k := range entries {
		x := &entries[k]
		start := i - x.at
		end := start + len(x.text)
		if start < 0 || end > len(text) || x.shape == shapePrefix && start != 0 || x.shape == shapeSuffix && end != len(text) {
			continue
		}
		if string(text[start:end]) == x.text {
			m.candidates(x.rules)
		}
	}
}
