package risk

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/rawjson"
)

// Level is the level of one unhealthy assessment, or the worst of several. The
// score never depends on it.
type Level uint8

// The levels.
const (
	None Level = iota
	Low
	Medium
	High
	Critical
)

// Factors is the set of risk factors that hold for a resource, by their number in
// the model.
type Factors uint8

// Sets is the number of possible sets of factors.
const Sets = 256

// Model is content's model, made ready for many documents. It is immutable.
type Model struct {
	*content.RiskModel
	// Signs on properties are looked up by the first key of their path, in one
	// pass over the properties.
	byKey map[string][]sign // lower-case first key below properties
	tags  []sign
}

type sign struct {
	factor Factors
	*content.RiskSign
	types []string // lower case; none: any
	path  []string // below the first key
}

// New makes a model of content's.
func New(of *content.RiskModel) *Model {
	m := &Model{RiskModel: of, byKey: map[string][]sign{}}
	for i, f := range of.Factors {
		for k := range f.When {
			s := sign{factor: 1 << i, RiskSign: &f.When[k]}
			if s.Tag != "" {
				m.tags = append(m.tags, s)
				continue
			}
			for _, t := range s.Types {
				s.types = append(s.types, strings.ToLower(t))
			}
			path := strings.Split(strings.ToLower(s.Path), ".")[1:] // all lie below properties
			s.path = path[1:]
			m.byKey[path[0]] = append(m.byKey[path[0]], s)
		}
	}
	return m
}

// Level is the level of an unhealthy assessment; without a severity it has none.
func (m *Model) Level(severity content.Severity, factors Factors) Level {
	if severity == "" {
		return None
	}
	points := m.Severity[string(severity)]
	for i, f := range m.Factors {
		if factors&(1<<i) != 0 {
			points += f.Weight
		}
	}
	switch {
	case points >= m.Levels["critical"]:
		return Critical
	case points >= m.Levels["high"]:
		return High
	case points >= m.Levels["medium"]:
		return Medium
	}
	return Low
}

// Words tell a level in words: the severity, then the factors.
func (m *Model) Words(severity content.Severity, factors Factors) []string {
	words := []string{"severity " + string(severity)}
	for i, f := range m.Factors {
		if factors&(1<<i) != 0 {
			words = append(words, f.Words)
		}
	}
	return words
}

// maxSignKey is longer than any first key of a sign.
const maxSignKey = 64

// Read gives the factors of a resource; typ is its type in any case, properties
// is the raw object of that name, tag the value of a tag by its name in any case.
func (m *Model) Read(typ string, properties []byte, tag func(name string) (value string, ok bool)) Factors {
	var set Factors
	for _, s := range m.tags {
		if value, ok := tag(s.Tag); ok && s.matches(value) {
			set |= s.factor
		}
	}
	var buf [maxSignKey]byte
	rawjson.Members(properties, func(key, value []byte) bool {
		if len(key) > maxSignKey {
			return true
		}
		for i, c := range key {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			buf[i] = c
		}
		for _, s := range m.byKey[string(buf[:len(key)])] {
			set |= s.look(typ, value)
		}
		return true
	})
	return set
}

// look checks a sign on the value of its first key.
func (s *sign) look(typ string, value []byte) Factors {
	if len(s.types) > 0 && !slices.Contains(s.types, arm.Fold(typ)) {
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
