package sigma

import (
	"bytes"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Matcher matches records one after the other. It is not safe for concurrent use.
type Matcher struct {
	engine  *Engine
	buckets map[*event.Kind]*bucket
	stamp   uint32
	rules   []uint32 // by rule: the stamp of the record that it is a candidate of
	memo    []uint32 // by predicate: stamp*2, plus 1 if it holds
	waiting []int32
	matched []*Rule

	rec *event.Record
}

// Matcher makes a matcher.
func (e *Engine) Matcher() *Matcher {
	return &Matcher{engine: e, buckets: map[*event.Kind]*bucket{}, rules: make([]uint32, len(e.rules)), memo: make([]uint32, len(e.preds))}
}

// maxStamp is the last stamp that fits a memo.
const maxStamp = 1<<31 - 1

// Match gives the rules that match a record, in the order of Engine.Rules. The
// record must have been filled for the engine's schema or a longer one; the list
// is valid until the next call.
func (m *Matcher) Match(rec *event.Record) []*Rule {
	b := m.buckets[rec.Kind]
	if b == nil {
		b = m.engine.bucket(rec.Kind)
		m.buckets[rec.Kind] = b
	}
	m.matched = m.matched[:0]
	if len(b.rules) == 0 {
		return nil
	}
	m.begin(rec)
	for i := range b.fields {
		m.look(&b.fields[i])
	}
	if b.words != nil {
		m.lookForWords(b)
	}
	m.candidates(b.always)
	if len(m.waiting) > 1 {
		slices.Sort(m.waiting)
	}
	for _, i := range m.waiting {
		if m.eval(&m.engine.code[i]) {
			m.matched = append(m.matched, m.engine.rules[i])
		}
	}
	return m.matched
}

func (m *Matcher) begin(rec *event.Record) {
	if m.stamp++; m.stamp >= maxStamp {
		clear(m.rules)
		clear(m.memo)
		m.stamp = 1
	}
	m.rec, m.waiting = rec, m.waiting[:0]
}

// look finds the witnesses in the values of a field.
func (m *Matcher) look(f *fieldIndex) {
	for v := m.rec.First(f.slot); v != 0; v = m.rec.Next(v) {
		if m.rec.TypeOf(v) == event.Null {
			continue
		}
		text := m.rec.Fold(v)
		if len(text) <= f.exactMax {
			if rules, ok := f.exact[string(text)]; ok {
				m.candidates(rules)
			}
		}
		f.scan(text, false, m)
	}
}

// Characters beyond ASCII whose lower case is an ASCII letter.
const kelvin, dottedI = "\u212a", "\u0130"

// lookForWords finds the witnesses of keywords: where all values are spelled in
// one text, in that, else in each value.
func (m *Matcher) lookForWords(b *bucket) {
	text := m.rec.Spelled()
	if text != nil && !stands(text, dottedI) && !stands(text, kelvin) {
		b.words.scan(text, true, m)
		return
	}
	values := m.rec.Values()
	for i := range values {
		b.words.scan(m.rec.FoldOf(&values[i]), false, m)
	}
}

// stands is bytes.Contains for text whose first byte is rare.
func stands(raw []byte, text string) bool {
	for {
		i := bytes.IndexByte(raw, text[0])
		if i < 0 {
			return false
		}
		if raw = raw[i:]; len(raw) >= len(text) && string(raw[:len(text)]) == text {
			return true
		}
		raw = raw[1:]
	}
}

func (m *Matcher) candidates(rules []int32) {
	for _, r := range rules {
		if m.rules[r] != m.stamp {
			m.rules[r] = m.stamp
			m.waiting = append(m.waiting, r)
		}
	}
}

func (m *Matcher) eval(k *code) bool {
	switch k.op {
	case opPred:
		return m.holds(k.pred)
	case opAnd:
		for i := range k.kids {
			if !m.eval(&k.kids[i]) {
				return false
			}
		}
		return true
	case opOr:
		for i := range k.kids {
			if m.eval(&k.kids[i]) {
				return true
			}
		}
		return false
	case opNot:
		return !m.eval(&k.kids[0])
	case opCount:
		n := 0
		for i := range k.kids {
			if m.eval(&k.kids[i]) {
				if n++; n == k.n {
					return true
				}
			}
		}
	}
	return false
}

func (m *Matcher) holds(p int32) bool {
	if known := m.memo[p]; known>>1 == m.stamp {
		return known&1 != 0
	}
	holds := m.engine.preds[p].holds(m.rec)
	m.memo[p] = m.stamp << 1
	if holds {
		m.memo[p] |= 1
	}
	return holds
}

// Field is a field that decided, and its value.
type Field struct{ Name, Value string }

// Fields are the fields that decided a match of the record last matched: those
// of the comparisons that hold and are not negated, by name.
func (m *Matcher) Fields(r *Rule) []Field {
	i := slices.Index(m.engine.rules, r)
	if i < 0 {
		return nil
	}
	var fields []Field
	m.deciding(&m.engine.code[i], &fields)
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

func (m *Matcher) deciding(k *code, fields *[]Field) {
	switch k.op {
	case opNot:
		return
	case opPred:
		p := &m.engine.preds[k.pred]
		if !p.keyword && m.holds(k.pred) {
			m.addField(p, fields)
		}
	}
	for i := range k.kids {
		if m.eval(&k.kids[i]) {
			m.deciding(&k.kids[i], fields)
		}
	}
}

// addField takes the value that matched, else the first.
func (m *Matcher) addField(p *predicate, fields *[]Field) {
	if slices.ContainsFunc(*fields, func(f Field) bool { return f.Name == p.field }) {
		return
	}
	best := m.rec.First(p.slot)
	for v := best; v != 0; v = m.rec.Next(v) {
		if p.matchesValue(m.rec, v) {
			best = v
			break
		}
	}
	if best != 0 {
		*fields = append(*fields, Field{p.field, string(m.rec.Text(best))})
	}
}
