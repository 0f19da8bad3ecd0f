package posture

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/rawjson"
)

// factorSet is the set of risk factors that hold for a resource, by their
// number in the model.
type factorSet uint8

// factorSets is the number of possible sets.
const factorSets = 256

// riskOf is the level of an unhealthy assessment.
func (s *shape) riskOf(slot uint16, factors factorSet) Risk {
	if s.severities[slot] == "" || s.risk == nil {
		return RiskNone
	}
	points := s.risk.Severity[string(s.severities[slot])]
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

// factorReader finds the factors of documents. Signs on properties are looked up
// by the first key of their path, in one pass over the properties.
type factorReader struct {
	byKey map[string][]sign // lower-case first key below properties
	tags  []sign
}

type sign struct {
	factor factorSet
	*content.RiskSign
	types []string // lower case; none: any
	path  []string // below the first key
}

func newFactorReader(m *content.RiskModel) *factorReader {
	fr := &factorReader{byKey: map[string][]sign{}}
	for i, f := range m.Factors {
		for k := range f.When {
			s := sign{factor: 1 << i, RiskSign: &f.When[k]}
			if s.Tag != "" {
				fr.tags = append(fr.tags, s)
				continue
			}
			for _, t := range s.Types {
				s.types = append(s.types, strings.ToLower(t))
			}
			path := strings.Split(strings.ToLower(s.Path), ".")[1:] // all lie below properties
			s.path = path[1:]
			fr.byKey[path[0]] = append(fr.byKey[path[0]], s)
		}
	}
	return fr
}

// maxSignKey is longer than any first key of a sign.
const maxSignKey = 64

// read gives the factors of a row whose tags are set; typ is folded, properties
// is the raw object of that name.
func (fr *factorReader) read(r *row, typ string, properties []byte) factorSet {
	var set factorSet
	if r.tags != "" {
		for _, s := range fr.tags {
			if value, ok := r.tag(s.Tag); ok && s.matches(value) {
				set |= s.factor
			}
		}
	}
	var buf [maxSignKey]byte
	rawjson.Members(properties, func(key, value []byte) bool {
		if len(key) > maxSignKey {
			return true
		}
		for i, c := range key {
			buf[i] = lower(c)
		}
		for _, s := range fr.byKey[string(buf[:len(key)])] {
			set |= s.look(typ, value)
		}
		return true
	})
	return set
}

// look checks a sign on the value of its first key.
func (s *sign) look(typ string, value []byte) factorSet {
	if len(s.types) > 0 && !slices.Contains(s.types, typ) {
		return 0
	}
	raw := rawjson.Lookup(value, s.path...)
	if raw != nil && s.matches(rawjson.Text(raw)) {
		return s.factor
	}
	return 0
}

func (s *sign) matches(value string) bool {
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
