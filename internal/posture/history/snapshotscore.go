package history

import "github.com/rampart-sec/rampart/internal/posture/index"

// mean is the weighted percent of several pools, kept up with what changes.
type mean struct {
	known  bool
	parts  []index.Part // by pool
	late   []uint32
	isLate []bool
	sum    float64 // of the chosen pools' percent times weight
	weight int
}

// stale notes that a pool changed.
func (m *mean) stale(n uint32) {
	for int(n) >= len(m.isLate) {
		m.isLate = append(m.isLate, false)
		m.parts = append(m.parts, index.Part{})
	}
	if !m.isLate[n] {
		m.isLate[n] = true
		m.late = append(m.late, n)
	}
}

// chosen reports whether a pool is in the scope.
func (p *Snapshot) chosen(n uint32) bool { return p.scope.above == "" || p.under[n] > 0 }

// refresh brings the mean up to date.
func (p *Snapshot) refresh() {
	m := &p.mean
	if !m.known {
		m.sum, m.weight = 0, 0
	}
	for _, n := range m.late {
		was, l := m.parts[n].Score, p.Pools[n]
		now := index.Part{Score: index.PoolScore(p.Schema.Controls, l.Controls, l.Assessed), Pending: l.Pending}
		if m.known && p.chosen(n) {
			m.sum += now.Score.Percent*float64(now.Score.Weight) - was.Percent*float64(was.Weight)
			m.weight += now.Score.Weight - was.Weight
		}
		m.parts[n], m.isLate[n] = now, false
	}
	m.late = m.late[:0]
	if m.known {
		return
	}
	m.known = true
	for n := range m.parts {
		if s := &m.parts[n].Score; p.chosen(uint32(n)) {
			m.sum += s.Percent * float64(s.Weight)
			m.weight += s.Weight
		}
	}
}

// percent is score().Percent, found faster after small changes.
func (p *Snapshot) percent() float64 {
	if !p.scope.weighs() {
		return p.Score().Percent
	}
	p.refresh()
	if p.mean.weight == 0 {
		return 0
	}
	return p.mean.sum / float64(p.mean.weight)
}

// Score is the score of the scope.
func (p *Snapshot) Score() index.Score {
	if p.scope.weighs() {
		return p.weighted()
	}
	if len(p.Pools) == 1 && p.scope.above == "" {
		return index.PoolScore(p.Schema.Controls, p.Pools[0].Controls, p.Pools[0].Assessed)
	}
	all := index.Pool{Controls: make([]index.ControlCounts, len(p.Schema.Controls))}
	for n, l := range p.Pools {
		if p.chosen(uint32(n)) {
			all.Merge(l)
		}
	}
	return index.PoolScore(p.Schema.Controls, all.Controls, all.Assessed)
}

func (p *Snapshot) weighted() index.Score {
	p.mean.known = false // nothing that was rounded is carried on
	p.refresh()
	var parts []index.Part
	all := index.Pool{Controls: make([]index.ControlCounts, len(p.Schema.Controls))}
	for n := range p.mean.parts {
		if part := p.mean.parts[n]; p.chosen(uint32(n)) && part.Score.Weight+part.Pending > 0 {
			parts = append(parts, part)
			all.Merge(p.Pools[n])
		}
	}
	maximum := 0
	for i, c := range p.Schema.Controls {
		if all.Controls[i].Known() > 0 {
			maximum += c.Max
		}
	}
	return index.WeightedScore(parts, maximum)
}
