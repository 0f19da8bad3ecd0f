package posture

import "sync"

// maxCached bounds the ledgers that one view keeps.
const maxCached = 64

// cache keeps what readers of one view have worked out.
type cache struct {
	mu      sync.Mutex
	estate  *Score
	scored  []scoredPart
	ledgers map[ledgerKey]*ledger
}

// ledgerKey names a ledger: its scope, and the filter by which recommendations
// were left out of it, "" for none.
type ledgerKey struct {
	scope  Scope
	filter string
}

func newCache() *cache { return &cache{} }

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

// ledger returns a ledger, computed at most a few times.
func (c *cache) ledger(key ledgerKey, compute func() *ledger) *ledger {
	c.mu.Lock()
	l := c.ledgers[key]
	c.mu.Unlock()
	if l != nil {
		return l
	}
	l = compute()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ledgers == nil || len(c.ledgers) >= maxCached {
		c.ledgers = map[ledgerKey]*ledger{}
	}
	c.ledgers[key] = l
	return l
}

// scoredPart is a subscription with its score.
type scoredPart struct {
	sub   *subscription
	score Score
}

// parts returns every subscription that has a weight, scored once.
func (c *cache) parts(v *View) []scoredPart {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scored == nil {
		c.scored = []scoredPart{}
		v.subs.Each(func(_ uint32, s *subscription) bool {
			if s.ledger.assessed > 0 {
				c.scored = append(c.scored, scoredPart{s, s.ledger.score(v.shape)})
			}
			return true
		})
	}
	return c.scored
}
