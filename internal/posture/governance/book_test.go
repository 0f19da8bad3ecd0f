package governance

import (
	"testing"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// TestBookTellsChanges puts rules, records and people in and out, and looks at
// what has changed and at the board.
func TestBookTellsChanges(t *testing.T) {
	b := NewBook()
	if c := b.Changes(); !b.Board().Empty() || len(c.Rules)+len(c.Records) > 0 || c.People {
		t.Fatalf("an empty book has changed: %+v", c)
	}
	was, is := made(t, "was", 1, 0, 0, 0), made(t, "is", 1, 0, 0, 0)
	b.PutRule("r", was)
	b.PutRule("r", is)
	if c := b.Changes(); len(c.Rules) != 3 || c.Rules[0] != was || c.Rules[1] != was || c.Rules[2] != is {
		t.Errorf("rules %v, want the old one twice and the new one", c.Rules)
	}
	if got := b.Board().Rule(is.ID); got != is {
		t.Errorf("the board has the rule %v", got)
	}

	first, second := record(t, sub, "a", 1), record(t, sub, "a", 2)
	b.PutRecord(arm.Fold(first.ID), first)
	b.PutRecord(arm.Fold(second.ID), second)
	if c := b.Changes(); len(c.Records) != 0 {
		t.Errorf("records %v are told before a board has them", c.Records)
	}
	board := b.Board()
	if c := b.Changes(); len(c.Records) != 3 {
		t.Errorf("records %v, want the old one twice and the new one", c.Records)
	}
	if n := len(board.records[arm.Fold(key)][sub]); n != 1 {
		t.Errorf("%d records at the scope, want the last: %v", n, board.records)
	}

	b.PutGone("p", []string{"a"})
	if c := b.Changes(); !c.People || !b.Board().Gone("A") || board.Gone("a") {
		t.Error("a principal that is gone is not, or changed an older board")
	}
	b.PutGone("p", nil)
	b.PutRule("r", nil)
	b.PutRecord(arm.Fold(second.ID), nil)
	if !b.Board().Empty() || b.Board().Gone("a") {
		t.Error("the book is not empty again")
	}
}
