package posture

// mean is the weighted percent of several pools, kept up with what changes.
type mean struct {
	known  bool
	parts  []part // by pool
	late   []uint32
	isLate []bool
	sum    float64 // of the chosen pools' percent times weight
	weight int
}

// stale notes that a pool changed.
func (m *mean) stale(n uint32) {
	for int(n) >= len(m.isLate) {
		m.isLate = append(m.isLate, false)
		m.parts = append(m.parts, part{})
	}
	if !m.isLate[n] {
		m.isLate[n] = true
		m.late = append(m.late, n)
	}
}

// chosen reports whether a pool is in the scope.
func (p *past) chosen(n uint32) bool { return p.scope.above == "" || p.under[n] > 0 }

// refresh brings the mean up to date.
func (p *past) refresh() {
	m := &p.mean
	if !m.known {
		m.sum, m.weight = 0, 0
	}
	for _, n := range m.late {
		was, l := m.parts[n].score, p.pools[n]
		now := part{poolScore(p.shape.controls, l.tallies, l.assessed), l.pending}
		if m.known && p.chosen(n) {
			m.sum += now.score.Percent*float64(now.score.Weight) - was.Percent*float64(was.Weight)
			m.weight += now.score.Weight - was.Weight
		}
		m.parts[n], m.isLate[n] = now, false
	}
	m.late = m.late[:0]
	if m.known {
		return
	}
	m.known = true
	for n := range m.parts {
		if s := &m.parts[n].score; p.chosen(uint32(n)) {
			m.sum += s.Percent * float64(s.Weight)
			m.weight += s.Weight
		}
	}
}

// percent is score().Percent, found faster after small changes.
func (p *past) percent() float64 {
	if !p.scope.weighs() {
		return p.score().Percent
	}
	p.refresh()
	if p.mean.weight == 0 {
		return 0
	}
	return p.mean.sum / float64(p.mean.weight)
}

// score is the score of the scope.
func (p *past) score() Score {
	if p.scope.weighs() {
		return p.weighted()
	}
	if len(p.pools) == 1 && p.scope.above == "" {
		return poolScore(p.shape.controls, p.pools[0].tallies, p.pools[0].assessed)
	}
	all := pool{tallies: make([]tally, len(p.shape.controls))}
	for n, l := range p.pools {
		if p.chosen(uint32(n)) {
			all.merge(l)
		}
	}
	return poolScore(p.shape.controls, all.tallies, all.assessed)
}

func (p *past) weighted() Score {
	p.mean.known = false // nothing that was rounded is carried on
	p.refresh()
	var parts []part
	all := pool{tallies: make([]tally, len(p.shape.controls))}
	for n := range p.mean.parts {
		if part := p.mean.parts[n]; p.chosen(uint32(n)) && part.score.Weight+part.pending > 0 {
			parts = append(parts, part)
			all.merge(p.pools[n])
		}
	}
	maximum := 0
	for i, c := range p.shape.controls {
		if all.tallies[i].known() > 0 {
			maximum += c.Max
		}
	}
	return weightedScore(parts, maximum)
}
