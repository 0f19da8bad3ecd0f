package posture

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// row is what the index knows of one resource. A row is never changed once it
// is in a view; a change makes a new one.
type row struct {
	handle   uint32
	id       string // as written
	tags     string // name, NUL, value, NUL ... as written
	cells    []cell // by slot
	group    uint32 // number of the container: resource group, else subscription, else "/"
	sub      uint32 // number of the subscription; noSub above subscriptions
	typ      uint32
	location uint32
	source   uint32
	observed int64 // Unix seconds
	factors  risk.Factors
	stale    bool
	judged   bool // cells say what is known; false until then

	container *containerFacts // of subscriptions, else nil
	found     *foundSet       // nil without a report about it
	tasks     []task          // by slot; of those assigned, done or resumed
}

// noSub is the number under which everything above subscriptions is kept.
const noSub = 0

// cell is one assessment of a row.
type cell struct {
	slot   uint16 // of the recommendation
	state  State
	flags  cellFlag
	reason uint32 // number in the dict of reasons; 0 is none
	since  uint32 // Unix seconds
	first  uint32
}

type cellFlag uint8

const (
	// inGrace marks an unhealthy assessment whose governance rule keeps it out
	// of the score until it is due.
	inGrace cellFlag = 1 << iota
	// hasOwner and isOverdue are what governance says of an unhealthy one;
	// without an owner none is overdue.
	hasOwner
	isOverdue
	// isCompleted marks a healthy assessment that had an owner while it was not.
	isCompleted
)

// name is the display name of a container, else the last segment of the id.
func (r *row) name() string {
	if r.container != nil && r.container.display != "" {
		return r.container.display
	}
	return r.id[strings.LastIndexByte(r.id, '/')+1:]
}

func (r *row) observedAt() time.Time { return unixTime(r.observed) }

// cell is the assessment in a slot.
func (r *row) cell(slot uint16) (cell, bool) {
	for _, c := range r.cells {
		if c.slot == slot {
			return c, true
		}
	}
	return cell{}, false
}

// turn changes one stored cell and its task, as a flip at some Unix second says.
// Cells that have a run of flips in them already are the same again after the
// whole run.
func (r *row) turn(f flip, at uint32) {
	r.judged = true
	i := slices.IndexFunc(r.cells, func(c cell) bool { return c.slot == f.slot })
	now := cell{slot: f.slot, state: f.to, since: at, first: at}
	if i >= 0 {
		r.tasks = turned(r.tasks, r.cells[i], now)
	}
	switch {
	case f.to == NotApplicable && i >= 0:
		r.cells = slices.Delete(r.cells, i, i+1)
	case f.to == NotApplicable: // it is not there
	case i < 0:
		r.cells = insertCell(r.cells, now)
	default:
		if f.from != NotApplicable {
			now.first = r.cells[i].first
		}
		r.cells[i] = now
	}
}

// cellOrNone is cell for a row that may be nil.
func (r *row) cellOrNone(slot uint16) (cell, bool) {
	if r == nil {
		return cell{}, false
	}
	return r.cell(slot)
}

// cellsOrNone are the cells of a row that may be nil.
func (r *row) cellsOrNone() []cell {
	if r == nil {
		return nil
	}
	return r.cells
}

// maxBurden is the number of unhealthy assessments from which resources are no
// longer told apart when they are sorted by it.
const maxBurden = 63

// unhealthy is the number of unhealthy assessments, at most maxBurden; 0 for
// a nil row.
func (r *row) unhealthy() int {
	n := 0
	if r != nil {
		for _, c := range r.cells {
			if c.state == Unhealthy && n < maxBurden {
				n++
			}
		}
	}
	return n
}

// eachTag calls fn for every tag.
func (r *row) eachTag(fn func(name, value string)) {
	rest := r.tags
	for rest != "" {
		name, after, _ := strings.Cut(rest, "\x00")
		value, next, _ := strings.Cut(after, "\x00")
		fn(name, value)
		rest = next
	}
}

func (r *row) tagMap() map[string]string {
	if r.tags == "" {
		return nil
	}
	m := map[string]string{}
	r.eachTag(func(name, value string) { m[name] = value })
	return m
}

// tag is the value of a tag; names compare without case.
func (r *row) tag(name string) (value string, ok bool) {
	r.eachTag(func(n, v string) {
		if !ok && strings.EqualFold(n, name) {
			value, ok = v, true
		}
	})
	return value, ok
}

// lies reports whether the row's id is scope or below it.
func (r *row) lies(scope string) bool {
	n := len(scope)
	return len(r.id) >= n && strings.EqualFold(r.id[:n], scope) && (len(r.id) == n || r.id[n] == '/')
}

// containersOf are the ids of the subscription and of the resource group that
// a well-formed id lies in, "" if it does not. It is arm.ParseID for the only
// two parts that the index needs of every document.
func containersOf(id string) (subscription, group string) {
	const subs, groups = "/subscriptions/", "/resourcegroups/"
	end := segmentAfter(id, 0, subs)
	if end == 0 {
		return "", ""
	}
	subscription = id[:end]
	if end = segmentAfter(id, end, groups); end > 0 {
		group = id[:end]
	}
	return subscription, group
}

// segmentAfter is the end of the segment that follows a folded prefix at i, 0
// if there is none.
func segmentAfter(id string, i int, prefix string) int {
	if len(id) <= i+len(prefix) || !equalFold(id[i:i+len(prefix)], prefix) {
		return 0
	}
	end := strings.IndexByte(id[i+len(prefix):], '/')
	if end < 0 {
		return len(id)
	}
	return i + len(prefix) + end
}

func unixTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// containerFacts are what only subscriptions and management groups have.
type containerFacts struct {
	display string
	above   []string // folded names of the management groups above
}

func (c *containerFacts) equal(other *containerFacts) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c.display == other.display && slices.Equal(c.above, other.above)
}

// foundSet is what reports say of a resource. It is never changed; equal sets
// may be shared.
type foundSet struct {
	open []uint32 // findings that fail and count, ascending
	off  []uint32 // findings that fail and are disabled by rule
}

func (f *foundSet) equal(other *foundSet) bool {
	if f == nil || other == nil {
		return f == other
	}
	return slices.Equal(f.open, other.open) && slices.Equal(f.off, other.off)
}

// sameRow reports whether two rows of one handle are alike in all that the
// index keeps.
func sameRow(a, b *row) bool {
	return a.id == b.id && a.tags == b.tags && a.location == b.location && a.source == b.source &&
		a.observed == b.observed && a.factors == b.factors && a.stale == b.stale &&
		slices.Equal(a.cells, b.cells) && slices.Equal(a.tasks, b.tasks) && a.container.equal(b.container) && a.found.equal(b.found)
}

// maxSlots bounds the recommendations ever numbered in a tenant: a slot is two
// bytes.
const maxSlots = 1<<16 - 1

// hasWords searches id and display name; words are lower case.
func (r *row) hasWords(words []string) bool {
	for _, w := range words {
		if !containsFold(r.id, w) && (r.container == nil || !containsFold(r.container.display, w)) {
			return false
		}
	}
	return true
}

func equalFold(s, low string) bool {
	for i := range len(low) {
		if lower(s[i]) != low[i] {
			return false
		}
	}
	return true
}

// containsFold reports whether s contains the lower-case word, in any case and
// without allocating.
func containsFold(s, word string) bool {
	if word == "" {
		return true
	}
	first := word[0]
	for i := 0; i+len(word) <= len(s); i++ {
		if lower(s[i]) == first && equalFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// hasAll reports whether a text contains every word; words are lower case.
func hasAll(text string, words []string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// findings are what reports say of a row that may be nil.
func (r *row) findings() foundSet {
	if r == nil || r.found == nil {
		return foundSet{}
	}
	return *r.found
}

func (f *foundSet) numbers() string {
	if f == nil {
		return "none"
	}
	return fmt.Sprint(f.open, " disabled ", f.off)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
