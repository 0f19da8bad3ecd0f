package index

import "sync"

// maxCached bounds the totals that one view keeps.
const maxCached = 64

// cache keeps what readers of one view have worked out.
type cache struct {
	mu     sync.Mutex
	estate *Score
	scored []scoredPart
	byKey  map[totalsKey]*Totals
}

// totalsKey names totals: its scope, and the filter by which recommendations
// were left out of it, "" for none.
type totalsKey struct {
	scope  Scope
	filter string
}

// NewCache is an empty cache of one view.
func NewCache() *cache { return &cache{} }

// score returns the estate's score, computed once.
func (c *cache) score(compute func() Score) Score {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.estate == nil {
		s := compute()
		c.estate = &s
	}
	return *c.estate
}

// totals returns totals, computed at most a few times.
func (c *cache) totals(key totalsKey, compute func() *Totals) *Totals {
	c.mu.Lock()
	l := c.byKey[key]
	c.mu.Unlock()
	if l != nil {
		return l
	}
	l = compute()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil || len(c.byKey) >= maxCached {
		c.byKey = map[totalsKey]*Totals{}
	}
	c.byKey[key] = l
	return l
}

// scoredPart is a subscription with its score.
type scoredPart struct {
	sub   *Subscription
	score Score
}

// parts returns every subscription that has a weight, scored once.
func (c *cache) parts(v *View) []scoredPart {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scored == nil {
		c.scored = []scoredPart{}
		v.Subs.Each(func(_ uint32, s *Subscription) bool {
			if s.Totals.assessed > 0 {
				c.scored = append(c.scored, scoredPart{s, s.Totals.Score(v.schema)})
			}
			return true
		})
	}
	return c.scored
}
