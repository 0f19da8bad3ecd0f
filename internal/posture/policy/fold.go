package policy

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"golang.org/x/text/cases"
)

// equalFold compares names of properties, functions and keys: ASCII case only,
// in contrast to values.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	return a == b || arm.Fold(a) == arm.Fold(b)
}

func folded(s string) string { return arm.Fold(s) }

// FoldText folds a value for comparison: full Unicode case folding, so that
// the sharp s equals ss, ligatures equal their letters and the three sigmas
// are one.
func FoldText(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return cases.Fold().String(s)
		}
	}
	return arm.Fold(s)
}

// FoldLocation normalises a location for comparison: "East US 2" and
// "eastus2" are the same place.
func FoldLocation(s string) string { return strings.ReplaceAll(FoldText(s), " ", "") }
