package version

import "strings"

// compareSemantic orders by Semantic Versioning 2.0.0, section 11, and takes
// what real packages write besides: a leading "v", more or fewer than three
// numbers, a pre-release without its hyphen ("1.0rc1"). Build metadata does not
// count.
func compareSemantic(a, b string) int {
	ca, pa, _ := splitSemantic(a)
	cb, pb, _ := splitSemantic(b)
	if c := compareCore(ca, cb); c != 0 {
		return c
	}
	return comparePrerelease(pa, pb)
}

// splitSemantic takes [v]core[-pre][+build] apart. The core is as far as digits
// and dots go.
func splitSemantic(v string) (core, pre, build string) {
	v = strings.TrimSpace(v)
	if len(v) > 1 && v[0]|0x20 == 'v' && isDigit(v[1]) {
		v = v[1:]
	}
	v, build, _ = strings.Cut(v, "+")
	end := 0
	for end < len(v) && (isDigit(v[end]) || v[end] == '.') {
		end++
	}
	core, pre = v[:end], v[end:]
	return strings.TrimRight(core, "."), strings.TrimPrefix(pre, "-"), build
}

// compareCore compares numbers between dots; those that are absent are zero.
func compareCore(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareDigits(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// comparePrerelease: none is newest; identifiers of digits compare as numbers
// and are older than words; of two equal beginnings the shorter is older.
func comparePrerelease(a, b string) int {
	if a == "" || b == "" {
		return sign(min(len(b), 1) - min(len(a), 1))
	}
	return compareIdentifiers(a, b)
}

func compareIdentifiers(a, b string) int {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		if c := compareIdentifier(x, y); c != 0 {
			return c
		}
		if !moreA || !moreB {
			return boolSign(moreA, moreB)
		}
		a, b = restA, restB
	}
}

func compareIdentifier(x, y string) int {
	dx, dy := allDigits(x), allDigits(y)
	switch {
	case dx && dy:
		return compareDigits(x, y)
	case dx != dy:
		return before(dx)
	}
	return strings.Compare(x, y)
}

// boolSign is 1 if only a holds, -1 if only b does.
func boolSign(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// comparePub orders as Dart's pub: build metadata breaks ties, and none is the
// oldest.
func comparePub(a, b string) int {
	if c := compareSemantic(a, b); c != 0 {
		return c
	}
	_, _, ba := splitSemantic(a)
	_, _, bb := splitSemantic(b)
	if ba == "" || bb == "" {
		return boolSign(ba != "", bb != "")
	}
	return compareIdentifiers(ba, bb)
}

// compareNuGet is semantic with four numbers, and without regard to case.
func compareNuGet(a, b string) int {
	return compareSemantic(strings.ToLower(a), strings.ToLower(b))
}

// compareGo orders module versions and versions of the toolchain ("go1.21rc2",
// with a suffix after a space or not).
func compareGo(a, b string) int { return compareSemantic(goForm(a), goForm(b)) }

// goForm writes a toolchain version as a semantic one: go1.21rc2 is 1.21.0-rc.2,
// which is how the Go vulnerability database writes it.
func goForm(v string) string {
	v, toolchain := strings.CutPrefix(v, "go")
	v, _, _ = strings.Cut(v, " ")
	for _, word := range []string{"rc", "beta"} {
		before, after, found := strings.Cut(v, word)
		if found && allDigits(after) && (toolchain || !strings.Contains(before, "-")) {
			return before + "-" + word + "." + after
		}
	}
	return v
}

// compareNumbers orders lists of numbers between dots and hyphens; of two equal
// beginnings the shorter is older (R's package_version, Haskell's Version).
func compareNumbers(a, b string) int {
	for {
		x, restA := cutNumber(a)
		y, restB := cutNumber(b)
		if c := compareDigitsThenText(x, y); c != 0 {
			return c
		}
		if restA == "" || restB == "" {
			return boolSign(restA != "", restB != "")
		}
		a, b = restA[1:], restB[1:]
	}
}

func cutNumber(s string) (part, rest string) {
	if i := strings.IndexAny(s, ".-"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func compareDigitsThenText(x, y string) int {
	nx, tx := digits(x)
	ny, ty := digits(y)
	if c := compareDigits(nx, ny); c != 0 {
		return c
	}
	return strings.Compare(tx, ty)
}
