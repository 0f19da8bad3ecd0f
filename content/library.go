package content

// Library is everything of content/, read and cross-checked. It is immutable.
type Library struct {
	Recommendations []*Recommendation // sorted by Name
	Controls        []*Control        // by points, then title
	Standards       []*Standard

	byID map[string]*Recommendation
}

// Recommendation returns the recommendation with an id, or nil.
func (l *Library) Recommendation(id string) *Recommendation { return l.byID[id] }
