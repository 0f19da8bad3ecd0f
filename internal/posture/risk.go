package posture

import (
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content"
)

// factorSet is the set of risk factors that hold for a resource, by their
// number in the model.
type factorSet uint8

// factorSets is the number of possible sets.
const factorSets = 256

// riskOf is the level of an unhealthy assessment.
func (s *shape) riskOf(slot uint16, factors factorSet) Risk {
	r := s.slots[slot]
	if r == nil || s.risk == nil {
		return RiskNone
	}
	points := s.risk.Severity[string(r.Severity)]
	for i, f := range s.risk.Factors {
		if factors&(1<<i) != 0 {
			points += f.Weight
		}
	}
	switch {
	case points >= s.risk.Levels["critical"]:
		return RiskCritical
	case points >= s.risk.Levels["high"]:
		return RiskHigh
	case points >= s.risk.Levels["medium"]:
		return RiskMedium
	}
	return RiskLow
}

// riskFactors tells a level in words: the severity, then the factors.
func (s *shape) riskFactors(slot uint16, factors factorSet) []string {
	r := s.slots[slot]
	words := []string{"severity " + string(r.Severity)}
	for i, f := range s.risk.Factors {
		if factors&(1<<i) != 0 {
			words = append(words, f.Words)
		}
	}
	return words
}

// factorReader finds the factors of documents; it holds the model's signs by
// resource type, so that a type without signs costs nothing.
type factorReader struct {
	any    []sign
	byType map[string][]sign // folded
	tags   []sign
}

type sign struct {
	factor factorSet
	*content.RiskSign
	path []string
}

func newFactorReader(m *content.RiskModel) *factorReader {
	fr := &factorReader{byType: map[string][]sign{}}
	for i, f := range m.Factors {
		for k := range f.When {
			s := sign{1 << i, &f.When[k], strings.Split(f.When[k].Path, ".")}
			switch {
			case s.Tag != "":
				fr.tags = append(fr.tags, s)
			case len(s.Types) == 0:
				fr.any = append(fr.any, s)
			}
			for _, t := range s.Types {
				key := strings.ToLower(t)
				fr.byType[key] = append(fr.byType[key], s)
			}
		}
	}
	return fr
}

// read gives the factors of a row whose tags are set; properties is the raw
// object of that name.
func (fr *factorReader) read(r *row, typ string, properties []byte) factorSet {
	var set factorSet
	for _, s := range fr.tags {
		if value, ok := r.tag(s.Tag); ok && s.matches(value) {
			set |= s.factor
		}
	}
	for _, s := range fr.any {
		set |= s.look(properties)
	}
	for _, s := range fr.byType[typ] {
		set |= s.look(properties)
	}
	return set
}

// look checks a sign on the properties; signs outside them do not exist.
func (s sign) look(properties []byte) factorSet {
	raw := lookup(properties, s.path[1:])
	if raw != nil && s.matches(plain(raw)) {
		return s.factor
	}
	return 0
}

func (s sign) matches(value string) bool {
	if s.Least > 0 {
		n, err := strconv.ParseFloat(value, 64)
		return err == nil && n >= float64(s.Least)
	}
	for _, want := range s.Equals {
		if strings.EqualFold(value, want) {
			return true
		}
	}
	return false
}
