package record

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// Row is what the index knows of one resource. A row is never changed once it
// is in a view; a change makes a new one.
type Row struct {
	Handle       uint32
	ID           string   // as written
	Tags         string   // name, NUL, value, NUL ... as written
	Statuses     []Status // by slot
	Group        uint32   // number of the container: resource group, else subscription, else "/"
	Subscription uint32   // number of the subscription; noSub above subscriptions
	Type         uint32
	Location     uint32
	Source       uint32
	Observed     int64 // Unix seconds
	Factors      risk.Factors
	Stale        bool
	Assessed     bool // statuses say what is known; false until then

	Container *Container  // of subscriptions, else nil
	Findings  *FindingSet // nil without a report about it
	Tasks     []Task      // by slot; of those assigned, done or resumed
}

// NoSubscription is the number under which everything above subscriptions is kept.
const NoSubscription = 0

// Status is one assessment of a row.
type Status struct {
	Slot   uint16 // of the recommendation
	State  State
	Flags  Flag
	Reason uint32 // number in the dictionary of reasons; 0 is none
	Since  uint32 // Unix seconds
	First  uint32
}

// Flag is what governance says of a status.
type Flag uint8

const (
	// InGrace marks an unhealthy assessment whose governance rule keeps it out
	// of the score until it is due.
	InGrace Flag = 1 << iota
	// HasOwner and IsOverdue are what governance says of an unhealthy one;
	// without an owner none is overdue.
	HasOwner
	IsOverdue // see HasOwner
	// IsCompleted marks a healthy assessment that had an owner while it was not.
	IsCompleted
)

// Name is the display name of a container, else the last segment of the id.
func (r *Row) Name() string {
	if r.Container != nil && r.Container.display != "" {
		return r.Container.display
	}
	return r.ID[strings.LastIndexByte(r.ID, '/')+1:]
}

// ObservedAt is when the document was observed.
func (r *Row) ObservedAt() time.Time { return UnixTime(r.Observed) }

// StatusOf is the assessment in a slot.
func (r *Row) StatusOf(slot uint16) (Status, bool) {
	for _, c := range r.Statuses {
		if c.Slot == slot {
			return c, true
		}
	}
	return Status{}, false
}

// Apply changes one stored status and its task, as a change at some Unix second says.
// Cells that have a run of changes in them already are the same again after the
// whole run.
func (r *Row) Apply(f Change, at uint32) {
	r.Assessed = true
	i := slices.IndexFunc(r.Statuses, func(c Status) bool { return c.Slot == f.Slot })
	now := Status{Slot: f.Slot, State: f.To, Since: at, First: at}
	if i >= 0 {
		r.Tasks = nextTasks(r.Tasks, r.Statuses[i], now)
	}
	switch {
	case f.To == NotApplicable && i >= 0:
		r.Statuses = slices.Delete(r.Statuses, i, i+1)
	case f.To == NotApplicable: // it is not there
	case i < 0:
		r.Statuses = InsertStatus(r.Statuses, now)
	default:
		if f.From != NotApplicable {
			now.First = r.Statuses[i].First
		}
		r.Statuses[i] = now
	}
}

// statusOrNone is status for a row that may be nil.
func (r *Row) statusOrNone(slot uint16) (Status, bool) {
	if r == nil {
		return Status{}, false
	}
	return r.StatusOf(slot)
}

// StatusesOrNone are the statuses of a row that may be nil.
func (r *Row) StatusesOrNone() []Status {
	if r == nil {
		return nil
	}
	return r.Statuses
}

// MaxUnhealthy is the number of unhealthy assessments from which resources are no
// longer told apart when they are sorted by it.
const MaxUnhealthy = 63

// UnhealthyCount is the number of unhealthy assessments, at most maxBurden; 0 for
// a nil row.
func (r *Row) UnhealthyCount() int {
	n := 0
	if r != nil {
		for _, c := range r.Statuses {
			if c.State == Unhealthy && n < MaxUnhealthy {
				n++
			}
		}
	}
	return n
}

// EachTag calls fn for every tag.
func (r *Row) EachTag(fn func(name, value string)) {
	rest := r.Tags
	for rest != "" {
		name, after, _ := strings.Cut(rest, "\x00")
		value, next, _ := strings.Cut(after, "\x00")
		fn(name, value)
		rest = next
	}
}

// TagMap are the tags by name as written, nil if there are none.
func (r *Row) TagMap() map[string]string {
	if r.Tags == "" {
		return nil
	}
	m := map[string]string{}
	r.EachTag(func(name, value string) { m[name] = value })
	return m
}

// Tag is the value of a tag; names compare without case.
func (r *Row) Tag(name string) (value string, ok bool) {
	r.EachTag(func(n, v string) {
		if !ok && strings.EqualFold(n, name) {
			value, ok = v, true
		}
	})
	return value, ok
}

// Within reports whether the row's id is scope or below it.
func (r *Row) Within(scope string) bool {
	n := len(scope)
	return len(r.ID) >= n && strings.EqualFold(r.ID[:n], scope) && (len(r.ID) == n || r.ID[n] == '/')
}

// ContainersOf are the ids of the subscription and of the resource group that
// a well-formed id lies in, "" if it does not. It is arm.ParseID for the only
// two parts that the index needs of every document.
func ContainersOf(id string) (subscription, group string) {
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

// UnixTime is a time of whole Unix seconds in UTC; 0 is the zero time.
func UnixTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Container are what only subscriptions and management groups have.
type Container struct {
	display string
	Above   []string // folded names of the management groups above
}

// Equal compares two, either of which may be nil.
func (c *Container) Equal(other *Container) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c.display == other.display && slices.Equal(c.Above, other.Above)
}

// FindingSet is what reports say of a resource. It is never changed; equal sets
// may be shared.
type FindingSet struct {
	Open     []uint32 // findings that fail and count, ascending
	Disabled []uint32 // findings that fail and are disabled by rule
}

// Equal compares two, either of which may be nil.
func (f *FindingSet) Equal(other *FindingSet) bool {
	if f == nil || other == nil {
		return f == other
	}
	return slices.Equal(f.Open, other.Open) && slices.Equal(f.Disabled, other.Disabled)
}

// SameRow reports whether two rows of one handle are alike in all that the
// index keeps.
func SameRow(a, b *Row) bool {
	return a.ID == b.ID && a.Tags == b.Tags && a.Location == b.Location && a.Source == b.Source &&
		a.Observed == b.Observed && a.Factors == b.Factors && a.Stale == b.Stale &&
		slices.Equal(a.Statuses, b.Statuses) && slices.Equal(a.Tasks, b.Tasks) && a.Container.Equal(b.Container) && a.Findings.Equal(b.Findings)
}

// MaxSlots bounds the recommendations ever numbered in a tenant: a slot is two
// bytes.
const MaxSlots = 1<<16 - 1

// HasWords searches id and display name; words are lower case.
func (r *Row) HasWords(words []string) bool {
	for _, w := range words {
		if !ContainsFold(r.ID, w) && (r.Container == nil || !ContainsFold(r.Container.display, w)) {
			return false
		}
	}
	return true
}

func equalFold(s, low string) bool {
	for i := range len(low) {
		if Lower(s[i]) != low[i] {
			return false
		}
	}
	return true
}

// ContainsFold reports whether s contains the lower-case word, in any case and
// without allocating.
func ContainsFold(s, word string) bool {
	if word == "" {
		return true
	}
	first := word[0]
	for i := 0; i+len(word) <= len(s); i++ {
		if Lower(s[i]) == first && equalFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// HasAll reports whether a text contains every word; words are lower case.
func HasAll(text string, words []string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// FindingsOrNone are what reports say of a row that may be nil.
func (r *Row) FindingsOrNone() FindingSet {
	if r == nil || r.Findings == nil {
		return FindingSet{}
	}
	return *r.Findings
}

// Numbers writes a set, which may be nil, for messages.
func (f *FindingSet) Numbers() string {
	if f == nil {
		return "none"
	}
	return fmt.Sprint(f.Open, " disabled ", f.Disabled)
}

// Lower is an ASCII letter in lower case, any other byte as it is.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
