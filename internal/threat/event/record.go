package event

import (
	"time"
)

// Record is one log record. The zero Record is ready; it is filled by a Decoder
// and used again for the next record. It is not safe for concurrent use.
type Record struct {
	Raw  []byte // the record as delivered; valid until the next one
	Kind *Kind  // what it is; never nil after a successful Next

	schema  *Schema
	heads   []int32 // by slot: first value in values, 0 if the field is absent
	touched []Slot
	values  []Value // values[0] is not used
	names   [][]byte
	added   []int32 // by names: their value in values
	text    []byte
	spelled []byte
	all     []Value
	allDone bool
	walker  Walker
	arena   []byte

	time     time.Time
	timeText Value
	timeDone bool
}

// keepArena is the most scratch space that a record keeps for the next one.
const keepArena = 4 << 20

// Reset empties the record for the next one, whose fields have the slots of s.
func (r *Record) Reset(s *Schema) {
	for _, slot := range r.touched {
		r.heads[slot] = 0
	}
	if len(r.heads) < s.Len() {
		r.heads = append(r.heads, make([]int32, s.Len()-len(r.heads))...)
	}
	if cap(r.arena) > keepArena {
		r.arena = nil
	}
	r.schema, r.Raw, r.Kind = s, nil, nil
	r.touched = r.touched[:0]
	r.names, r.added, r.all = r.names[:0], r.added[:0], r.all[:0]
	r.arena, r.text, r.spelled, r.walker, r.allDone = r.arena[:0], nil, nil, nil, false
	r.time, r.timeText, r.timeDone = time.Time{}, Value{}, true
	if len(r.values) == 0 {
		r.values = append(r.values, Value{})
	}
	r.values = r.values[:1]
}

// Schema is the schema that the record was filled for.
func (r *Record) Schema() *Schema { return r.schema }

// Add gives a field a value. A name that was given before gets one more value.
// Both must stay as they are until the next Reset.
func (r *Record) Add(name, value []byte) {
	r.AddValue(name, Value{Raw: value})
}

// AddString is Add for strings; it copies both.
func (r *Record) AddString(name, value string) {
	r.AddValue(r.Keep([]byte(name)), Value{Raw: r.Keep([]byte(value))})
}

// AddInt gives a field a number.
func (r *Record) AddInt(name string, n int64) {
	var digits [20]byte
	r.AddValue([]byte(name), Value{Raw: r.Keep(appendInt(digits[:0], n)), Type: Number})
}

// AddValue is Add for a value of any type.
func (r *Record) AddValue(name []byte, v Value) {
	i := r.push(v)
	r.names, r.added = append(r.names, name), append(r.added, i)
	if slot := r.schema.SlotOf(name); slot != NoSlot {
		r.link(slot, i)
	}
}

// Put gives the field of a slot a value, for decoders that implement Walker:
// other fields of the record are not kept.
func (r *Record) Put(slot Slot, v Value) {
	r.link(slot, r.push(v))
}

func (r *Record) push(v Value) int32 {
	v.next, v.text, v.fold = 0, nil, nil
	r.values = append(r.values, v)
	return int32(len(r.values) - 1)
}

func (r *Record) link(slot Slot, i int32) {
	head := r.heads[slot]
	if head == 0 {
		r.heads[slot] = i
		r.touched = append(r.touched, slot)
		return
	}
	for r.values[head].next != 0 {
		head = r.values[head].next
	}
	r.values[head].next = i
}

// Alias lets the field of slot to have the values of slot from, if it has none
// of its own.
func (r *Record) Alias(to, from Slot) {
	if to == NoSlot || from == NoSlot || r.heads[to] != 0 || r.heads[from] == 0 {
		return
	}
	r.heads[to] = r.heads[from]
	r.touched = append(r.touched, to)
}

// Keep copies b to where it stays until the next Reset.
func (r *Record) Keep(b []byte) []byte {
	start := len(r.arena)
	r.arena = append(r.arena, b...)
	return r.arena[start:len(r.arena):len(r.arena)]
}

// SetText says that the record is a line of text, which keyword search reads.
func (r *Record) SetText(line []byte) { r.text, r.spelled = line, line }

// SetSpelled says that every value stands in b, its letters and digits as they
// are: what does not stand in b, in whatever case, is in no value either.
func (r *Record) SetSpelled(b []byte) { r.spelled = b }

// Spelled is where every value stands, nil if only Values knows them.
func (r *Record) Spelled() []byte { return r.spelled }

// SetWalker names who finds the fields that have no slot.
func (r *Record) SetWalker(w Walker) { r.walker = w }

// SetTime says when the event happened.
func (r *Record) SetTime(t time.Time) { r.time, r.timeDone = t, true }

// SetTimeText says when the event happened, to be read by ParseTime when
// somebody asks.
func (r *Record) SetTimeText(v Value) {
	v.text, v.fold = nil, nil
	r.timeText, r.timeDone = v, false
}

// SetTimeFrom says that the first of these fields that is present has the time.
func (r *Record) SetTimeFrom(slots []Slot) {
	for _, slot := range slots {
		if v := r.First(slot); v != 0 {
			r.SetTimeText(r.values[v])
			return
		}
	}
}

// Time is when the event happened, the zero time if the record does not say it.
func (r *Record) Time() time.Time {
	if !r.timeDone {
		r.time, _ = ParseTime(r.textOf(&r.timeText))
		r.timeDone = true
	}
	return r.time
}

// First is the number of the field's first value, 0 if the field is absent.
// With Next, Text and Fold it is how the values of a field are read:
//
//	for v := r.First(slot); v != 0; v = r.Next(v) { use(r.Fold(v)) }
func (r *Record) First(slot Slot) int32 {
	if int(slot) >= len(r.heads) {
		return 0
	}
	return r.heads[slot]
}

// Next is the number of the value after v, 0 if there is none.
func (r *Record) Next(v int32) int32 { return r.values[v].next }

// TypeOf is the type of value v.
func (r *Record) TypeOf(v int32) Type { return r.values[v].Type }

// Text is value v without escapes. Valid until the next Reset.
func (r *Record) Text(v int32) []byte { return r.textOf(&r.values[v]) }

// Fold is Text in lower case, as Fold makes it. Valid until the next Reset.
func (r *Record) Fold(v int32) []byte { return r.FoldOf(&r.values[v]) }

// Values are the values of keyword search, in order: the line, or the value of
// each field. Read them with TextOf and FoldOf.
func (r *Record) Values() []Value {
	if r.allDone {
		return r.all
	}
	r.allDone = true
	switch {
	case r.text != nil:
		r.all = append(r.all, Value{Raw: r.text})
	case r.walker != nil:
		r.walker.Walk(r, r.collect)
	default:
		for _, i := range r.added {
			r.all = append(r.all, r.values[i])
		}
	}
	return r.all
}

func (r *Record) collect(_ []byte, v Value) bool {
	if v.Type != Null && v.Type != Nested {
		r.all = append(r.all, v)
	}
	return true
}

// Walk calls fn with the name and value of each field of the record, those
// without a slot too, until fn returns false. Names and values are valid during
// the call.
func (r *Record) Walk(fn func(name []byte, v Value) bool) {
	if r.walker != nil {
		r.walker.Walk(r, fn)
		return
	}
	for i, name := range r.names {
		if !fn(name, r.values[r.added[i]]) {
			return
		}
	}
}

// TextOf is a value of Walk or Values without escapes.
func (r *Record) TextOf(v *Value) []byte { return r.textOf(v) }

func (r *Record) textOf(v *Value) []byte {
	if !v.Escaped {
		return v.Raw
	}
	if v.text == nil {
		start := len(r.arena)
		r.arena = AppendUnescaped(r.arena, v.Raw)
		v.text = r.arena[start:len(r.arena):len(r.arena)]
	}
	return v.text
}

// FoldOf is a value of Walk or Values in lower case.
func (r *Record) FoldOf(v *Value) []byte {
	if v.fold == nil {
		start := len(r.arena)
		if v.Escaped && v.text == nil {
			r.arena = AppendUnescaped(r.arena, v.Raw)
			if !foldASCII(r.arena[start:]) {
				text := r.arena[start:]
				start = len(r.arena)
				r.arena = AppendFold(r.arena, text)
			}
		} else {
			r.arena = AppendFold(r.arena, r.textOf(v))
		}
		v.fold = r.arena[start:len(r.arena):len(r.arena)]
	}
	return v.fold
}
