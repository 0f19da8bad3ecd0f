package event

// Slot is the place of a field in a record.
type Slot int32

// NoSlot is the slot of a name that no rule reads.
const NoSlot Slot = -1

// Schema gives the field names that are read their slots. It is immutable and
// safe for concurrent use.
type Schema struct {
	names []string
	slots map[string]Slot
}

// NewSchema gives each name a slot, in order; names that repeat share one.
func NewSchema(names []string) *Schema {
	return (&Schema{}).Extend(names...)
}

// Extend is the schema with more names. Slots that are given stay: a record
// filled for the longer schema can be read by who knows the shorter one.
func (s *Schema) Extend(names ...string) *Schema {
	x := &Schema{names: append([]string(nil), s.names...), slots: make(map[string]Slot, len(s.names)+len(names))}
	for name, slot := range s.slots {
		x.slots[name] = slot
	}
	for _, name := range names {
		if _, ok := x.slots[name]; !ok {
			x.slots[name] = Slot(len(x.names))
			x.names = append(x.names, name)
		}
	}
	return x
}

// Slot is the slot of a name, NoSlot if nobody reads it. Names keep their case.
func (s *Schema) Slot(name string) Slot {
	if slot, ok := s.slots[name]; ok {
		return slot
	}
	return NoSlot
}

// SlotOf is Slot for bytes.
func (s *Schema) SlotOf(name []byte) Slot {
	if slot, ok := s.slots[string(name)]; ok {
		return slot
	}
	return NoSlot
}

// Name is the name of a slot.
func (s *Schema) Name(slot Slot) string { return s.names[slot] }

// Names lists the names by slot. The caller must not change it.
func (s *Schema) Names() []string { return s.names }

// Len is how many slots there are.
func (s *Schema) Len() int { return len(s.names) }
