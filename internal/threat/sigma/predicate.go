package sigma

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// predicate is an item made ready: one field, and what its values are compared
// with.
type predicate struct {
	field   string
	slot    event.Slot
	keyword bool
	all     bool
	exact   map[string]struct{} // folded values that are equal as a whole, if many
	values  []test
	source  *item
}

// test is one value made ready. Literals of uncased ones are folded.
type test struct {
	shape shape
	cased bool
	lit   []byte  // of exact, prefix, suffix and inner
	glob  pattern // of all other patterns
	value *value
	ref   event.Slot
}

type shape uint8

const (
	shapeExact shape = iota
	shapePrefix
	shapeSuffix
	shapeInner
	shapeAny // any value at all
	shapeGlob
	shapeOther
)

// manyExact is from how many values on a set is faster than looking at each.
const manyExact = 6

func (c *compiler) compile(it *item) predicate {
	p := predicate{field: it.field, keyword: it.keyword, all: it.all, source: it}
	if !it.keyword {
		p.slot = c.slot(it.field)
	}
	exact := 0
	for i := range it.values {
		t := c.test(&it.values[i])
		p.values = append(p.values, t)
		if t.shape == shapeExact && !t.cased {
			exact++
		}
	}
	if exact >= manyExact && !it.all {
		p.exact = map[string]struct{}{}
		rest := p.values[:0]
		for _, t := range p.values {
			if t.shape == shapeExact && !t.cased {
				p.exact[string(t.lit)] = struct{}{}
			} else {
				rest = append(rest, t)
			}
		}
		p.values = rest
	}
	return p
}

func (c *compiler) test(v *value) test {
	t := test{shape: shapeOther, cased: v.cased, value: v}
	if v.kind == matchField {
		t.ref = c.slot(v.ref)
	}
	if v.kind != matchPattern {
		return t
	}
	p := v.pattern
	if !v.cased {
		p = p.mapLiterals(event.Fold)
	}
	t.shape, t.glob = shapeGlob, p
	is := func(kinds ...atomKind) bool {
		if len(p) != len(kinds) {
			return false
		}
		for i, k := range kinds {
			if p[i].kind != k {
				return false
			}
		}
		return true
	}
	switch {
	case len(p) == 0:
		t.shape = shapeExact
	case is(literal):
		t.shape, t.lit = shapeExact, []byte(p[0].text)
	case is(literal, anyText):
		t.shape, t.lit = shapePrefix, []byte(p[0].text)
	case is(anyText, literal):
		t.shape, t.lit = shapeSuffix, []byte(p[1].text)
	case is(anyText, literal, anyText):
		t.shape, t.lit = shapeInner, []byte(p[1].text)
	case is(anyText):
		t.shape = shapeAny
	}
	return t
}

// holds asks a predicate of a record.
func (p *predicate) holds(rec *event.Record) bool {
	if p.keyword {
		return p.keywords(rec)
	}
	if p.exact != nil {
		for v := rec.First(p.slot); v != 0; v = rec.Next(v) {
			if rec.TypeOf(v) == event.Null {
				continue
			}
			if _, ok := p.exact[string(rec.Fold(v))]; ok {
				return true
			}
		}
	}
	for i := range p.values {
		if p.found(rec, &p.values[i]) != p.all {
			return !p.all
		}
	}
	return p.all && p.exact == nil
}

func (p *predicate) found(rec *event.Record, t *test) bool {
	first := rec.First(p.slot)
	if t.shape == shapeOther {
		switch t.value.kind {
		case matchNull:
			return !present(rec, first)
		case matchExists:
			return present(rec, first) == t.value.exists
		}
	}
	for v := first; v != 0; v = rec.Next(v) {
		if rec.TypeOf(v) == event.Null {
			continue
		}
		var text []byte
		if t.cased || t.shape == shapeOther {
			text = rec.Text(v)
		} else {
			text = rec.Fold(v)
		}
		if t.matches(rec, text, v) {
			return true
		}
	}
	return false
}

// matchesValue asks whether one value of the field is one that is looked for.
func (p *predicate) matchesValue(rec *event.Record, v int32) bool {
	if _, ok := p.exact[string(rec.Fold(v))]; ok {
		return true
	}
	for i := range p.values {
		t := &p.values[i]
		text := rec.Fold(v)
		if t.cased || t.shape == shapeOther {
			text = rec.Text(v)
		}
		if t.matches(rec, text, v) {
			return true
		}
	}
	return false
}

func present(rec *event.Record, v int32) bool {
	for ; v != 0; v = rec.Next(v) {
		if rec.TypeOf(v) != event.Null {
			return true
		}
	}
	return false
}

func (t *test) matches(rec *event.Record, text []byte, v int32) bool {
	switch t.shape {
	case shapeExact:
		return bytes.Equal(text, t.lit)
	case shapePrefix:
		return bytes.HasPrefix(text, t.lit)
	case shapeSuffix:
		return bytes.HasSuffix(text, t.lit)
	case shapeInner:
		return bytes.Contains(text, t.lit)
	case shapeAny:
		return true
	case shapeGlob:
		return glob(t.glob, text)
	}
	switch t.value.kind {
	case matchRegexp:
		return t.value.re.Match(text)
	case matchNetwork:
		a, err := netip.ParseAddr(strings.TrimSpace(view(text)))
		return err == nil && t.value.network.Contains(a.Unmap().WithZone(""))
	case matchNumber:
		return t.value.compareNumber(view(text))
	case matchField:
		return t.matchesField(rec, v)
	}
	return false
}

// view is text as a string, for calls that do not keep it.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (t *test) matchesField(rec *event.Record, v int32) bool {
	for o := rec.First(t.ref); o != 0; o = rec.Next(o) {
		if rec.TypeOf(o) == event.Null {
			continue
		}
		a, b := rec.Text(v), rec.Text(o)
		if !t.cased {
			a, b = rec.Fold(v), rec.Fold(o)
		}
		ok := false
		switch t.value.how {
		case "contains":
			ok = bytes.Contains(a, b)
		case "startswith":
			ok = bytes.HasPrefix(a, b)
		case "endswith":
			ok = bytes.HasSuffix(a, b)
		default:
			ok = bytes.Equal(a, b)
		}
		if ok {
			return true
		}
	}
	return false
}

// keywords asks a predicate of every value of the record.
func (p *predicate) keywords(rec *event.Record) bool {
	values := rec.Values()
	for i := range p.values {
		found := false
		t := &p.values[i]
		for j := range values {
			text := rec.TextOf(&values[j])
			if !t.cased && t.shape != shapeOther {
				text = rec.FoldOf(&values[j])
			}
			if t.shape == shapeOther && (t.value.kind == matchNull || t.value.kind == matchExists) {
				break
			}
			if t.matches(rec, text, 0) {
				found = true
				break
			}
		}
		if t.shape == shapeOther && t.value.kind == matchNull {
			found = len(values) == 0
		} else if t.shape == shapeOther && t.value.kind == matchExists {
			found = (len(values) > 0) == t.value.exists
		}
		if found != p.all {
			return !p.all
		}
	}
	return p.all
}

// glob matches text with a pattern: when what follows a * does not fit, the * is
// tried with one character more. That is enough, since of several * only the last
// need be tried again.
func glob(p pattern, s []byte) bool {
	i := 0                        // in p
	star, from := -1, []byte(nil) // of the last *, and what it may still take
	for {
		rest, ok := s, i < len(p)
		if ok {
			switch a := &p[i]; a.kind {
			case anyText:
				star, from = i, s
				i++
				continue
			case literal:
				if star == i-1 && star >= 0 { // jump to where the literal stands next
					at := bytes.Index(s, unsafe.Slice(unsafe.StringData(a.text), len(a.text)))
					if at < 0 {
						return false
					}
					from, s = s[at:], s[at:]
				}
				ok = len(s) >= len(a.text) && string(s[:len(a.text)]) == a.text
				if ok {
					rest = s[len(a.text):]
				}
			default:
				c, n := utf8.DecodeRune(s)
				ok = n > 0 && (a.kind == anyOne || strings.ContainsRune(dashes, c))
				if ok {
					rest = s[n:]
				}
			}
			if ok {
				s = rest
				i++
				continue
			}
		} else if len(s) == 0 {
			return true
		}
		if star < 0 || len(from) == 0 {
			return false
		}
		from = from[1:]
		s, i = from, star+1
	}
}

// weight estimates what it costs to evaluate code.
func (e *Engine) weight(k *code) int {
	if k.op == opPred {
		return e.preds[k.pred].weight()
	}
	w := 0
	for i := range k.kids {
		w += e.weight(&k.kids[i])
	}
	return w
}

func (p *predicate) weight() int {
	w := 1
	for i := range p.values {
		t := &p.values[i]
		switch {
		case t.shape == shapeGlob:
			w += 20
		case t.shape == shapeInner:
			w += 5
		case t.shape == shapeOther && t.value.kind == matchRegexp:
			w += 400
		default:
			w++
		}
	}
	if p.keyword {
		w *= 50
	}
	return w
}

// cheapFirst orders what is joined so that what costs little decides first.
func (e *Engine) cheapFirst(k *code) {
	for i := range k.kids {
		e.cheapFirst(&k.kids[i])
	}
	if k.op == opAnd || k.op == opOr || k.op == opCount {
		slices.SortStableFunc(k.kids, func(a, b code) int { return e.weight(&a) - e.weight(&b) })
	}
}
