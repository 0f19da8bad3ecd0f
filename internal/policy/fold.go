package policy

import "github.com/rampart-sec/rampart/internal/arm"

// equalFold compares names of properties, functions and keys: ASCII case only,
// in contrast to values.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	return a == b || arm.Fold(a) == arm.Fold(b)
}

func folded(s string) string { return arm.Fold(s) }
