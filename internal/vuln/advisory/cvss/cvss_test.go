package cvss

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// The scores are those of FIRST's own calculators and examples.
func TestScore(t *testing.T) {
	tests := map[string]float64{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H":                    9.8,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H":                    10,
		"CVSS:3.0/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N":                    2.2,
		"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H":                    5.5,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N":                    0,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O/RC:C":      9.8,
		"AV:N/AC:L/Au:N/C:N/I:N/A:C":                                      7.8,
		"(AV:N/AC:L/Au:N/C:C/I:C/A:C)":                                    10,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": 9.3,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H": 10,
		"CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N": 0,
		"7.5": 7.5,
		" 10": 10,
	}
	for vector, want := range tests {
		if got, err := Score(vector); err != nil || got != want {
			t.Errorf("Score(%q) = %v, %v; want %v", vector, got, err, want)
		}
	}
}

func TestBadVectors(t *testing.T) {
	for _, bad := range []string{"", "CVSS:3.1/", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N/AC:L", "AV:N", "11", "-1", "NaN", "1e400", "high", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:X", strings.Repeat("A", 10_000)} {
		if got, err := Score(bad); !errors.Is(err, ErrVector) {
			t.Errorf("Score(%.30q) = %v, %v", bad, got, err)
		}
	}
}

func TestSeverity(t *testing.T) {
	for score, want := range map[float64]Severity{0: None, 0.1: Low, 3.9: Low, 4: Medium, 6.9: Medium, 7: High, 8.9: High, 9: Critical, 10: Critical} {
		if got := Rate(score); got != want {
			t.Errorf("Rate(%v) = %s", score, got)
		}
	}
	for word, want := range map[string]Severity{"MODERATE": Medium, "Important": High, "negligible": Low, "critical": Critical, "not yet assigned": Unknown, "": Unknown} {
		if got := Word(word); got != want {
			t.Errorf("Word(%q) = %s", word, got)
		}
	}
	for s := Unknown; s <= Critical; s++ {
		text, err := json.Marshal(s)
		var back Severity
		if err != nil || json.Unmarshal(text, &back) != nil || back != s {
			t.Errorf("%s does not survive", s)
		}
	}
	var s Severity
	if s.UnmarshalText([]byte("terrible")) == nil || Severity(99).String() != "unknown" {
		t.Error("what is no severity passes")
	}
}

func FuzzScore(f *testing.F) {
	f.Add("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
	f.Add("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A/CR:H/MSI:S")
	f.Add("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:U/RL:OF")
	f.Fuzz(func(t *testing.T, vector string) {
		score, err := Score(vector)
		if err == nil && !(score >= 0 && score <= 10) {
			t.Errorf("Score(%q) = %v", vector, score)
		}
	})
}
