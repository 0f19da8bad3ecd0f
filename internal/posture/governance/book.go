package governance

import (
	"maps"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Book keeps what assigns tasks, as it comes and goes, makes boards of it and
// tells what has changed. Everything in it has a key of the caller's choice. It is
// for one goroutine at a time.
type Book struct {
	rules   map[string]*Rule // deleted ones included
	records map[string]*Record
	gone    map[string][]string // names and id of a departed principal
	board   *Board

	stale          bool // board lacks a change of rules or principals
	added, removed []*Record
	changes        Changes
}

// Changes are what came, went or is another since they were asked for last, as it
// was and as it is.
type Changes struct {
	Rules   []*Rule
	Records []*Record
	People  bool // a principal went or came back
}

// NewBook is a book with nothing in it.
func NewBook() *Book {
	return &Book{
		rules: map[string]*Rule{}, records: map[string]*Record{}, gone: map[string][]string{}, board: NewBoard(nil, nil, nil),
	}
}

// PutRule puts a rule in the place of one with its key; nil takes that out.
func (b *Book) PutRule(key string, r *Rule) {
	if old := b.rules[key]; old != nil {
		b.changes.Rules = append(b.changes.Rules, old)
	}
	delete(b.rules, key)
	b.stale = true
	if r != nil {
		b.rules[key] = r
		b.changes.Rules = append(b.changes.Rules, r)
	}
}

// PutRecord is PutRule for what was assigned by hand. The key of a record is its
// folded id.
func (b *Book) PutRecord(key string, r *Record) {
	if old := b.records[key]; old != nil {
		b.removed = append(b.removed, old)
		delete(b.records, key)
	}
	if r != nil {
		b.records[key] = r
		b.added = append(b.added, r)
	}
}

// PutGone notes the names and id of a principal that cannot sign in any more; nil:
// it can again.
func (b *Book) PutGone(key string, names []string) {
	delete(b.gone, key)
	b.stale, b.changes.People = true, true
	if names != nil {
		b.gone[key] = names
	}
}

// Board is the board of everything in the book. Where records alone have changed
// it is made from the one before.
func (b *Book) Board() *Board {
	switch {
	case b.stale:
		b.board = NewBoard(slices.Collect(maps.Values(b.rules)), slices.Collect(maps.Values(b.records)),
			slices.Concat(slices.Collect(maps.Values(b.gone))...))
	case len(b.removed)+len(b.added) > 0:
		b.board = b.board.Without(b.removed...).With(b.living()...)
	}
	b.changes.Records = slices.Concat(b.changes.Records, b.removed, b.added)
	b.stale, b.removed, b.added = false, nil, nil
	return b.board
}

// living are those of the added records that were not replaced since.
func (b *Book) living() []*Record {
	return slices.DeleteFunc(slices.Clone(b.added), func(r *Record) bool { return b.records[arm.Fold(r.ID)] != r })
}

// Changes returns what has changed since it was asked last, as far as Board has
// taken it in.
func (b *Book) Changes() Changes {
	changes := b.changes
	b.changes = Changes{}
	return changes
}
