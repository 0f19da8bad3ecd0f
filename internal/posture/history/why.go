package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// ScoreChange is one assessment that changed, and what it did to the score.
type ScoreChange struct {
	At time.Time
	// Recommendation is nil where no assessment changed, but what counts; Cause
	// says how, see causeCame and those below.
	Recommendation *record.Recommendation
	ResourceID     string
	Gone           bool // the resource is there no more
	From, To       record.State
	Cause          string // "resource changed", "policy changed", "exemption changed", "time passed"; see causeWords
	// Delta is what it did to the scope's score, in percent points. Assessments
	// of one resource that change a control together share what that did.
	Delta float64
}

// Causes where no assessment changed, or none is known to have.
const (
	causeCame  = "came into the scope" // its tags changed, or the groups above its subscription
	causeLeft  = "left the scope"
	CauseGone  = "resource deleted" // while no judge ran: nobody knows what its assessments were
	causeGrace = "grace period"     // of a governance rule, began or ended
)

// maxChanges bounds what Why returns: the latest.
const maxChanges = 1000

// WhyQuery asks what changed a score between two times.
type WhyQuery struct {
	Scope    index.Scope
	From, To time.Time
	Limit    int    // 0 or more than 1000 is 1000
	Before   string // continue behind a page: its Next
}

// WhyPage is one page of changes, latest first.
type WhyPage struct {
	Changes []ScoreChange
	Next    string // "" after the last page
}

// Why lists the latest changes between two times; see Changes.
func (l *Log) Why(ctx context.Context, scope index.Scope, from, to time.Time) ([]ScoreChange, error) {
	page, err := l.Changes(ctx, WhyQuery{Scope: scope, From: from, To: to})
	return page.Changes, err
}

// Changes lists the changes of counted assessments after From and up to To,
// latest first, each with what it did to the scope's score. All pages together
// add up to what the score changed by.
func (l *Log) Changes(ctx context.Context, q WhyQuery) (WhyPage, error) {
	if q.Limit <= 0 || q.Limit > maxChanges {
		q.Limit = maxChanges
	}
	before, err := parseWhyCursor(q.Before)
	if err != nil {
		return WhyPage{}, err
	}
	if !q.From.Before(q.To) {
		return WhyPage{}, nil
	}
	if before != nil && before.at.Before(q.To) {
		q.To = before.at
	}
	v := l.View()
	if before == nil && !newSnapshotScope(q.Scope).below() {
		return l.latest(ctx, v, q)
	}
	w, _, err := l.search(ctx, v, q, q.To)
	if err != nil {
		return WhyPage{}, err
	}
	defer w.past.Reset()
	return l.named(ctx, v, w, picked{found: w.found, more: w.more}, q.From)
}

// search reads the latest changes up to an instant, as far back as it takes to fill
// a page: the changes after from.
func (l *Log) search(ctx context.Context, v *index.View, q WhyQuery, to time.Time) (w *whyReader, from time.Time, err error) {
	before, err := parseWhyCursor(q.Before)
	if err != nil {
		return nil, from, err
	}
	for span := firstSpan; ; span *= 8 {
		from = q.To.Add(-span)
		last := !from.After(q.From) || span > longestSpan
		if last {
			from = q.From
		}
		if w, err = l.collect(ctx, v, q, before, from, to); err != nil {
			return nil, from, err
		}
		if w.more || last {
			return w, from, nil
		}
		w.past.Reset()
	}
}

// firstSpan is how far back changes are looked for first. If that does not fill
// a page it is eight times as far, and so on: in a large scope a page takes days,
// in a small one years.
const (
	firstSpan   = 24 * time.Hour
	longestSpan = 4096 * firstSpan // then it is all
)

// collect reads the latest changes after from.
func (l *Log) collect(ctx context.Context, v *index.View, q WhyQuery, before *whyCursor, from, to time.Time) (*whyReader, error) {
	p, err := l.snapshotOf(ctx, v, q.Scope, from)
	if err != nil {
		return nil, err
	}
	w := &whyReader{past: p, slots: l.slotReader(v.Schema()), limit: q.Limit, before: before}
	err = l.Replay(ctx, p, ReplayOptions{Times: []time.Time{from, to}, At: w.reach, step: w.step, again: w.again, reached: &w.reached})
	if err == nil {
		err = w.err
	}
	w.cut()
	return w, err
}

// named is the page of what was collected, with the ids of its resources.
func (l *Log) named(ctx context.Context, v *index.View, w *whyReader, p picked, since time.Time) (WhyPage, error) {
	ids, err := l.idsOf(ctx, v, w.gone, p.found, since)
	if err != nil {
		return WhyPage{}, err
	}
	page := w.page(p)
	for i := range page.Changes {
		c, n := &page.Changes[i], &p.found[len(p.found)-1-i]
		container, _, _ := strings.Cut(w.past.containers[n.container].text, "\x00")
		c.ResourceID, c.Gone = cmp.Or(ids[n.flip.Handle], container), v.Row(n.flip.Handle) == nil
	}
	return page, nil
}

// whyCursor names a change: the transaction, its number in that, and its time.
type whyCursor struct {
	seq uint64
	n   int
	at  time.Time
}

func parseWhyCursor(s string) (*whyCursor, error) {
	if s == "" {
		return nil, nil
	}
	var c whyCursor
	var at int64
	_, err := fmt.Sscanf(s, "%d.%d.%d", &c.seq, &c.n, &at)
	if c.at = time.UnixMicro(at); err != nil || c.String() != s {
		return nil, arm.Invalid("%q does not continue a list of changes.", s[:min(len(s), 40)])
	}
	return &c, nil
}

func (c whyCursor) String() string { return fmt.Sprintf("%d.%d.%d", c.seq, c.n, c.at.UnixMicro()) }

// noted is a change as it is met.
type noted struct {
	whyCursor
	flip      record.Change
	container uint32
	cause     string // where no assessment changed
	delta     float64
}

// whyReader collects the latest changes of a snapshot that travels.
type whyReader struct {
	past    *Snapshot
	slots   func(uint16) (rec *record.Recommendation, control int)
	limit   int
	before  *whyCursor
	begun   bool
	percent float64
	last    whyCursor
	found   []noted // oldest first
	more    bool    // older ones were dropped
	reached uint64  // the last transaction that was read
	flips   []record.Change
	parts   []controlPart
	gone    map[uint32]string // ids of resources that went while it read, see leave
	err     error
}

// controlPart is a control of a resource that changed, with what that did.
type controlPart struct {
	control int
	to      record.State
	delta   float64
}

// reach begins at the first instant.
func (w *whyReader) reach(i int) {
	if i == 0 {
		w.begun, w.percent = true, w.past.percent()
	}
}

// again forgets everything.
func (w *whyReader) again() {
	w.begun, w.last, w.found, w.more = false, whyCursor{}, nil, false
}

// step notes what a resource that moved changed.
func (w *whyReader) step(s *step) {
	if !w.begun || w.err != nil {
		return
	}
	p := w.past
	was, is := p.counts(s.handle, s.was), p.counts(s.handle, s.is)
	shifted := p.leads(s.was) != p.leads(s.is)
	if !was && !is && !shifted {
		return
	}
	if w.flips, w.err = UnpackChanges(w.flips[:0], s.handle, s.flips); w.err != nil {
		return
	}
	start := w.percent
	w.percent = p.percent()
	switch {
	case shifted || is && !was && !s.created || was && !is && s.is.Class != 0:
		w.note(s, noted{cause: entering(is || p.leads(s.is)), delta: w.percent - start})
	case was || is:
		w.split(s, start)
		w.assessments(s, is)
	}
}

func entering(in bool) string {
	if in {
		return causeCame
	}
	return causeLeft
}

// split finds the controls that changed and what each did, one after another.
func (w *whyReader) split(s *step, start float64) {
	w.parts = w.parts[:0]
	p := w.past
	from, to := p.classes[s.was.Class].states, p.classes[s.is.Class].states
	for number, control := range p.control {
		if a, b := from.OrNone().State(number), to.OrNone().State(number); a != b && control != record.NotCounted {
			w.parts = append(w.parts, controlPart{control: number, to: b})
		}
	}
	if len(w.parts) == 1 {
		w.parts[0].delta = w.percent - start
	} else if len(w.parts) > 1 {
		w.measure(s, start)
	}
	for i := range w.parts {
		w.parts[i].control = p.control[w.parts[i].control]
	}
}

// measure takes the step once more, control by control.
func (w *whyReader) measure(s *step, start float64) {
	p := w.past
	at := s.is // where it is, or was before it went
	states := p.classes[s.was.Class].states.OrNone()
	p.count(s.handle, s.is, -1)
	for i := range w.parts {
		part := &w.parts[i]
		states = states.With(part.control, part.to)
		if i == len(w.parts)-1 {
			break
		}
		at.Class = p.Class(states)
		p.count(s.handle, at, +1)
		now := p.percent()
		part.delta, start = now-start, now
		p.count(s.handle, at, -1)
	}
	w.parts[len(w.parts)-1].delta = w.percent - start
	p.count(s.handle, s.is, +1)
	p.percent()
}

// assessments notes the assessments that changed. Those that went where their
// control went share what that did; if there are none, all of the control do.
func (w *whyReader) assessments(s *step, is bool) {
	for _, f := range w.flips {
		if _, control := w.slots(f.Slot); control != record.NotCounted {
			w.note(s, noted{flip: f, delta: w.shareOf(f, control)})
		}
	}
	for _, part := range w.parts {
		if w.sharers(part, false) > 0 {
			continue
		}
		cause := causeGrace
		if !is {
			cause = CauseGone
		}
		w.note(s, noted{cause: cause, delta: part.delta})
	}
}

// shareOf is what an assessment did.
func (w *whyReader) shareOf(f record.Change, control int) float64 {
	for _, part := range w.parts {
		if part.control != control {
			continue
		}
		if n := w.sharers(part, true); n > 0 {
			if f.To != part.to {
				return 0
			}
			return part.delta / float64(n)
		}
		return part.delta / float64(w.sharers(part, false))
	}
	return 0
}

// sharers counts the assessments of a control that changed, or those that went
// where the control went.
func (w *whyReader) sharers(part controlPart, along bool) int {
	n := 0
	for _, f := range w.flips {
		if _, control := w.slots(f.Slot); control == part.control && (!along || f.To == part.to) {
			n++
		}
	}
	return n
}

// note keeps a change if it belongs to the page or before it.
func (w *whyReader) note(s *step, c noted) {
	w.last.n++
	if w.last.seq != s.seq {
		w.last = whyCursor{seq: s.seq, at: s.at}
	}
	if b := w.before; b != nil && (s.seq > b.seq || s.seq == b.seq && w.last.n >= b.n) {
		return
	}
	c.whyCursor, c.flip.Handle, c.container = w.last, s.handle, s.is.Container
	w.found = append(w.found, c)
	if len(w.found) >= 2*w.limit {
		w.cut()
	}
}

// cut drops all but the latest.
func (w *whyReader) cut() {
	if drop := len(w.found) - w.limit; drop > 0 {
		w.more = true
		w.found = append(w.found[:0], w.found[drop:]...)
	}
}

// picked are changes for a page, oldest first.
type picked struct {
	found []noted
	older bool // there are some from before the query's span
	more  bool // older ones of the span were left out
}

// page is the page of what was picked, but for what resources are called.
func (w *whyReader) page(p picked) WhyPage {
	var page WhyPage
	for i := len(p.found) - 1; i >= 0; i-- {
		n := &p.found[i]
		c := ScoreChange{At: n.at, Cause: n.cause, Delta: n.delta}
		if n.cause == "" {
			c.Recommendation, _ = w.slots(n.flip.Slot)
			c.From, c.To, c.Cause = n.flip.From, n.flip.To, record.CauseText(n.flip.Cause, n.flip.From, n.flip.To)
		}
		page.Changes = append(page.Changes, c)
	}
	if p.more && len(p.found) > 0 {
		page.Next = p.found[0].String()
	}
	return page
}

// idsOf finds the ids of resources, those that are gone by now included.
func (l *Log) idsOf(ctx context.Context, v *index.View, gone map[uint32]string, found []noted, since time.Time) (map[uint32]string, error) {
	ids := map[uint32]string{}
	missing := 0
	for i := range found {
		h := found[i].flip.Handle
		if _, known := ids[h]; known {
			continue
		}
		if r := v.Row(h); r != nil {
			ids[h] = r.ID
			continue
		}
		if ids[h] = gone[h]; ids[h] == "" {
			missing++
		}
	}
	if missing == 0 {
		return ids, nil
	}
	err := l.eachGone(ctx, since, func(g goneResource) bool {
		if id, wanted := ids[g.handle]; wanted && id == "" {
			ids[g.handle] = g.id
			missing--
			if gone != nil {
				gone[g.handle] = g.id // the next page need not look
			}
		}
		return missing > 0
	})
	return ids, err
}

// slotReader tells what slots mean: as they do now, or, of recommendations that
// are assigned no more, as the content has them.
func (l *Log) slotReader(sh *record.Schema) func(uint16) (*record.Recommendation, int) {
	old := map[uint16]*record.Recommendation{}
	return func(slot uint16) (*record.Recommendation, int) {
		if int(slot) >= len(sh.Slots) {
			return nil, record.NotCounted
		}
		if r := sh.Slots[slot]; r != nil {
			return r, sh.Control(slot)
		}
		r, ok := old[slot]
		if !ok {
			r = l.Retired(sh.IDs[slot])
			old[slot] = r
		}
		if r == nil || !r.Counted {
			return r, record.NotCounted
		}
		return r, slices.Index(sh.Controls, r.Control)
	}
}
