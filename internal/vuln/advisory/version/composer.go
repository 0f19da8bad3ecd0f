package version

import "strings"

// compareComposer orders as Composer, which normalises ("v1.0" is 1.0.0.0) and
// then uses PHP's version_compare: words have ranks, and one that has no rank is
// the oldest.
func compareComposer(a, b string) int {
	x, y := composerParts(a), composerParts(b)
	for i := range max(len(x), len(y)) {
		if i >= len(x) {
			return -composerTail(y[i])
		}
		if i >= len(y) {
			return composerTail(x[i])
		}
		if c := compareComposerPart(x[i], y[i]); c != 0 {
			return c
		}
	}
	return 0
}

// composerTail says whether a part makes a version newer than one that ends
// before it.
func composerTail(part string) int {
	if isDigit(part[0]) {
		return 1
	}
	return compareComposerPart(part, "#")
}

func compareComposerPart(x, y string) int {
	if isDigit(x[0]) && isDigit(y[0]) {
		return compareDigits(x, y)
	}
	rx, ry := composerRank(x), composerRank(y)
	if rx != ry || rx >= 0 {
		return sign(rx - ry)
	}
	return strings.Compare(x, y) // PHP calls unknown words equal; an order needs a decision
}

// composerRank ranks the words; "#" stands for any number.
func composerRank(part string) int {
	switch part {
	case "dev":
		return 0
	case "a", "alpha":
		return 1
	case "b", "beta":
		return 2
	case "rc":
		return 3
	case "#":
		return 4
	case "pl", "p", "patch":
		return 5
	}
	if isDigit(part[0]) {
		return 4
	}
	return -1
}

// composerParts splits at dots, hyphens, underscores and between digits and
// letters. The numbers at the start are filled up to four.
func composerParts(v string) []string {
	v = strings.ToLower(strings.TrimSpace(v))
	v, _, _ = strings.Cut(v, "+")
	v, _, _ = strings.Cut(v, "@")
	if len(v) > 1 && v[0] == 'v' && isDigit(v[1]) {
		v = v[1:]
	}
	v = strings.TrimSuffix(v, "-stable")
	var parts []string
	numbers := 0
	for v != "" {
		run, rest := digits(v)
		if run == "" {
			if run, rest = letters(v); run == "" {
				v = v[1:]
				continue
			}
			parts = padNumbers(parts, numbers)
			numbers = 4
		} else if numbers == len(parts) {
			numbers++
		}
		parts, v = append(parts, run), rest
	}
	return padNumbers(parts, numbers)
}

// padNumbers fills a version that is so far all numbers up to four of them.
func padNumbers(parts []string, numbers int) []string {
	for len(parts) == numbers && numbers < 4 {
		parts, numbers = append(parts, "0"), numbers+1
	}
	return parts
}
