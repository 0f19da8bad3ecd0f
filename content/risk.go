package content

import (
	_ "embed"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
)

//go:embed risk.yaml
var riskFile []byte

// maxRiskFactors bounds the factors of a model: a set of them is one byte.
const maxRiskFactors = 8

// RiskModel gives each unhealthy assessment a risk level: points of its
// severity plus the weights of the factors that hold for the resource, compared
// with the levels. The score never depends on it.
type RiskModel struct {
	Version  string         `yaml:"version"`
	Severity map[string]int `yaml:"severity"` // points by severity
	Levels   map[string]int `yaml:"levels"`   // least points of critical, high, medium
	Factors  []RiskFactor   `yaml:"factors"`
}

// RiskFactor is one thing that makes a weakness worse on a resource.
type RiskFactor struct {
	ID     string     `yaml:"id"`
	Words  string     `yaml:"words"` // how it is told to people
	Weight int        `yaml:"weight"`
	When   []RiskSign `yaml:"when"` // any of
}

// RiskSign is one way to see a factor in a resource document.
type RiskSign struct {
	Types []string `yaml:"types"` // resource types; empty: all
	// Exactly one of Tag and Path is set: the tag's or property's value must
	// be one of Equals, without case. Path is dotted, below the body's root.
	Tag    string   `yaml:"tag"`
	Path   string   `yaml:"path"`
	Equals []string `yaml:"equals"`
	// Least is the smallest number at Path that counts, instead of Equals.
	Least int `yaml:"least"`
}

// Risk reads the embedded risk model.
func Risk() (*RiskModel, error) {
	m := new(RiskModel)
	if err := strictyaml.Decode("risk.yaml", riskFile, m); err != nil {
		return nil, err
	}
	return m, m.check()
}

func (m *RiskModel) check() error {
	for _, s := range []Severity{Critical, High, Medium, Low} {
		if m.Severity[string(s)] <= 0 {
			return fmt.Errorf("risk.yaml: severity %s has no points", s)
		}
	}
	for _, level := range []string{"critical", "high", "medium"} {
		if m.Levels[level] <= 0 {
			return fmt.Errorf("risk.yaml: level %s has no least points", level)
		}
	}
	if len(m.Factors) > maxRiskFactors {
		return fmt.Errorf("risk.yaml: more than %d factors", maxRiskFactors)
	}
	for _, f := range m.Factors {
		if f.ID == "" || f.Words == "" || f.Weight <= 0 || len(f.When) == 0 {
			return fmt.Errorf("risk.yaml: factor %q needs id, words, weight and when", f.ID)
		}
		for _, s := range f.When {
			if (s.Tag == "") == (s.Path == "") || (len(s.Equals) == 0) == (s.Least == 0) {
				return fmt.Errorf("risk.yaml: factor %q: a sign has one of tag and path and one of equals and least", f.ID)
			}
		}
	}
	return nil
}
