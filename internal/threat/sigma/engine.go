package sigma

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Engine matches records with many rules at once. It is immutable and safe for
// concurrent use; each goroutine has a Matcher of its own.
type Engine struct {
	rules  []*Rule
	code   []code // by rule
	preds  []predicate
	schema *event.Schema

	mu      sync.Mutex
	buckets map[*event.Kind]*bucket
}

// code is a compiled condition: a predicate, or an operation on others.
type code struct {
	op   codeOp
	pred int32
	n    int // of opCount
	kids []code
}

type codeOp uint8

const (
	opPred codeOp = iota
	opAnd
	opOr
	opNot
	opCount // at least n of kids
	opNever
)

// Compile makes an engine of rules. extra are fields that the caller reads beside
// those of the rules.
func Compile(rules []*Rule, extra ...string) *Engine {
	c := &compiler{known: map[string]int32{}, slots: map[string]event.Slot{}}
	e := &Engine{rules: rules, buckets: map[*event.Kind]*bucket{}}
	for _, r := range rules {
		e.code = append(e.code, c.condition(r, r.condition))
	}
	e.preds = c.preds
	for i := range e.code {
		e.cheapFirst(&e.code[i])
	}
	e.schema = event.NewSchema(append(c.names, extra...))
	return e
}

// Rules are the engine's rules, in the order given.
func (e *Engine) Rules() []*Rule { return e.rules }

// Schema has a slot for each field that the rules read.
func (e *Engine) Schema() *event.Schema { return e.schema }

type compiler struct {
	preds []predicate
	known map[string]int32 // by what a predicate asks
	slots map[string]event.Slot
	names []string
}

func (c *compiler) slot(field string) event.Slot {
	s, ok := c.slots[field]
	if !ok {
		s = event.Slot(len(c.names))
		c.slots[field] = s
		c.names = append(c.names, field)
	}
	return s
}

func (c *compiler) condition(r *Rule, e expr) code {
	switch e := e.(type) {
	case andExpr:
		return c.join(opAnd, r, e)
	case orExpr:
		return c.join(opOr, r, e)
	case notExpr:
		return code{op: opNot, kids: []code{c.condition(r, e.of)}}
	case refExpr:
		return c.node(r.selections[string(e)])
	case ofExpr:
		if len(e.names) == 0 {
			return code{op: opNever}
		}
		k := code{op: opAnd}
		if e.n == 1 {
			k.op = opOr
		} else if e.n > 1 {
			k.op, k.n = opCount, e.n
		}
		for _, name := range e.names {
			k.kids = append(k.kids, c.node(r.selections[name]))
		}
		return k.simple()
	}
	return code{op: opNever}
}

func (c *compiler) join(op codeOp, r *Rule, es []expr) code {
	k := code{op: op}
	for _, x := range es {
		k.kids = append(k.kids, c.condition(r, x))
	}
	return k.simple()
}

// simple takes away what has one operand.
func (k code) simple() code {
	if len(k.kids) == 1 && (k.op == opAnd || k.op == opOr) {
		return k.kids[0]
	}
	return k
}

func (c *compiler) node(n node) code {
	switch n := n.(type) {
	case allOf:
		return c.nodes(opAnd, n)
	case anyOf:
		return c.nodes(opOr, n)
	case *item:
		k := code{op: opPred, pred: c.predicate(n)}
		if n.negate {
			return code{op: opNot, kids: []code{k}}
		}
		return k
	}
	return code{op: opNever}
}

func (c *compiler) nodes(op codeOp, ns []node) code {
	k := code{op: op}
	for _, n := range ns {
		k.kids = append(k.kids, c.node(n))
	}
	return k.simple()
}

// predicate numbers what an item asks; the same question has the same number.
func (c *compiler) predicate(it *item) int32 {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %v", it.field, it.all)
	for i := range it.values {
		v := &it.values[i]
		re := ""
		if v.re != nil {
			re = v.re.String()
		}
		fmt.Fprintf(&b, " %d %q %v %q %v %v %q %v %q %q %q", v.kind, v.pattern, v.cased, re, v.network, v.exists, v.op, v.number, v.part, v.ref, v.how)
	}
	if i, ok := c.known[b.String()]; ok {
		return i
	}
	i := int32(len(c.preds))
	c.known[b.String()] = i
	c.preds = append(c.preds, c.compile(it))
	return i
}

// bucket is what an engine looks for in records of one kind.
type bucket struct {
	rules  []int32 // meant for the kind
	always []int32 // without a witness
	fields []fieldIndex
	words  *fieldIndex // of keywords, nil if there are none
}

// bucket finds or makes the bucket of a kind.
func (e *Engine) bucket(k *event.Kind) *bucket {
	e.mu.Lock()
	defer e.mu.Unlock()
	if b := e.buckets[k]; b != nil {
		return b
	}
	b := &bucket{}
	popular := map[witness]int{}
	for i, r := range e.rules {
		if r.Meant(k) {
			b.rules = append(b.rules, int32(i))
			e.countLiterals(&e.code[i], popular)
		}
	}
	lists := map[witness][]int32{}
	for _, i := range b.rules {
		_, ws, ok := e.witnesses(&e.code[i], popular)
		if !ok {
			if !e.never(&e.code[i]) {
				b.always = append(b.always, i)
			}
			continue
		}
		for _, w := range ws {
			if l := lists[w]; len(l) == 0 || l[len(l)-1] != i {
				lists[w] = append(l, i)
			}
		}
	}
	b.fields = indexFields(lists)
	if len(b.fields) > 0 && b.fields[0].slot == keywordSlot { // it sorts first
		b.words, b.fields = &b.fields[0], b.fields[1:]
	}
	e.buckets[k] = b
	return b
}

func (e *Engine) never(k *code) bool {
	switch k.op {
	case opNever:
		return true
	case opAnd:
		return slices.ContainsFunc(k.kids, func(x code) bool { return e.never(&x) })
	}
	return false
}
