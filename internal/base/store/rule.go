package store

// SourceInventory owns documents made up for containers that no source has
// delivered; any other source takes them over.
const SourceInventory = "inventory"

// SourcePlans owns the documents that tell how plans are set. They are written
// in the transaction that sets the plan, so a deletion before it never counts.
const SourcePlans = "plans"

// Outcome is what became of one document.
type Outcome uint8

// Outcomes of PutResources.
const (
	Created   Outcome = iota + 1
	Updated           // content changed
	Unchanged         // same content; at most ObservedAt moved
	Stale             // older than what is stored, dropped
	Foreign           // owned by another source, dropped
	Deleted           // a deletion took effect
)

func (p *Prepared) seen() seen { return seen{p.doc.SourceVersion, micros(p.doc.ObservedAt)} }

// storedRow is what judging a new document needs of the stored one.
type storedRow struct {
	handle     uint32
	id, source string
	seen       seen
	deletedAt  int64
	digest     []byte
}

// judge is the rule book; a nil receiver is an id that was never stored.
func (old *storedRow) judge(p *Prepared) Outcome {
	switch {
	case old == nil && p.doc.Deleted:
		return Unchanged
	case old == nil:
		return Created
	case old.deletedAt > 0:
		return old.revive(p)
	case p.doc.Source == SourceInventory && old.source != SourceInventory:
		return Unchanged
	case old.source != p.doc.Source && old.source != SourceInventory:
		return Foreign
	case old.source == p.doc.Source && p.seen().compare(old.seen) < 0:
		return Stale
	case p.doc.Deleted:
		return Deleted
	case old.source == p.doc.Source && string(old.digest) == string(p.digest):
		return Unchanged
	}
	return Updated
}

// revive judges a document against a tombstone. What the owner observed before
// the deletion, or another source at that time, does not bring it back; a
// made-up container does, because something lies in it again, and a plan's
// document does, because it was written now.
func (old *storedRow) revive(p *Prepared) Outcome {
	switch {
	case p.doc.Deleted:
		return Unchanged
	case p.doc.Source == SourceInventory, p.doc.Source == SourcePlans:
		return Created
	case p.doc.Source == old.source && p.seen().compare(old.seen) <= 0,
		p.doc.Source != old.source && p.seen().at <= old.seen.at:
		return Stale
	}
	return Created
}
