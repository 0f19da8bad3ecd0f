package version

import "strings"

// mavenItem is a part of a Maven version: a number, a qualifier, or a list of
// items. The zero value is the list of none.
type mavenItem struct {
	kind mavenKind
	text string // digits, or the qualifier
	list []mavenItem
}

type mavenKind int

const (
	mavenList mavenKind = iota
	mavenNumber
	mavenWord
)

// compareMaven orders as Maven's ComparableVersion (Maven POM reference, "version
// order specification"): a hyphen, or a change between digits and letters, opens
// a list inside the list.
func compareMaven(a, b string) int {
	return compareMavenItem(parseMaven(a), parseMaven(b))
}

// mavenReader builds the lists; open holds those that are not finished, the
// outermost first.
type mavenReader struct {
	open [][]mavenItem
}

func (r *mavenReader) add(it mavenItem) {
	top := len(r.open) - 1
	r.open[top] = append(r.open[top], it)
}

// addRun adds a run that no separator ends. A qualifier among others counts as if
// it stood behind a hyphen: 1.x1 is 1-x1.
func (r *mavenReader) addRun(text string, number, beforeDigit bool) {
	if !number && len(r.open[len(r.open)-1]) > 0 {
		r.open = append(r.open, nil)
	}
	r.add(mavenPart(text, number, beforeDigit))
}

// parseMaven reads a version. Lists nest as deep as the text has hyphens, which
// MaxLength bounds.
func parseMaven(v string) mavenItem {
	v = strings.ToLower(v)
	r := mavenReader{open: [][]mavenItem{nil}}
	start, number := 0, false
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == '.' || c == '-':
			r.add(mavenPart(v[start:i], number, false))
			start = i + 1
			if c == '-' {
				r.open = append(r.open, nil)
			}
		case isDigit(c) != number:
			if i > start {
				r.addRun(v[start:i], number, true)
				start = i
				r.open = append(r.open, nil)
			}
			number = isDigit(c)
		}
	}
	if start < len(v) {
		r.addRun(v[start:], number, false)
	}
	return r.close()
}

// close ends the lists from the innermost, and drops what does not count.
func (r *mavenReader) close() mavenItem {
	for top := len(r.open) - 1; ; top-- {
		list := normalizeMaven(r.open[top])
		if top == 0 {
			return mavenItem{list: list}
		}
		r.open[top-1] = append(r.open[top-1], mavenItem{list: list})
	}
}

// normalizeMaven removes parts that mean nothing from the end of a list: zeros,
// empty qualifiers and empty lists; it looks past inner lists.
func normalizeMaven(list []mavenItem) []mavenItem {
	for i := len(list) - 1; i >= 0; i-- {
		switch {
		case list[i].isNull():
			list = append(list[:i], list[i+1:]...)
		case list[i].kind != mavenList:
			return list
		}
	}
	return list
}

func (it mavenItem) isNull() bool {
	switch it.kind {
	case mavenNumber:
		return strings.Trim(it.text, "0") == ""
	case mavenWord:
		return it.text == ""
	}
	return len(it.list) == 0
}

// mavenPart makes an item of the text between two separators; none is zero.
func mavenPart(text string, number, beforeDigit bool) mavenItem {
	if number || text == "" {
		return mavenItem{kind: mavenNumber, text: text}
	}
	if beforeDigit {
		switch text {
		case "a":
			text = "alpha"
		case "b":
			text = "beta"
		case "m":
			text = "milestone"
		}
	}
	switch text {
	case "ga", "final", "release":
		text = ""
	case "cr":
		text = "rc"
	}
	return mavenItem{kind: mavenWord, text: text}
}

// mavenRank orders the qualifiers; one that has no rank comes after all of them.
func mavenRank(word string) int {
	switch word {
	case "alpha":
		return -5
	case "beta":
		return -4
	case "milestone":
		return -3
	case "rc":
		return -2
	case "snapshot":
		return -1
	case "":
		return 0
	case "sp":
		return 1
	}
	return 2
}

func compareMavenItem(a, b mavenItem) int {
	if a.kind != b.kind {
		return sign(mavenOrder(a.kind) - mavenOrder(b.kind))
	}
	switch a.kind {
	case mavenNumber:
		return compareDigits(a.text, b.text)
	case mavenWord:
		ra, rb := mavenRank(a.text), mavenRank(b.text)
		if ra != rb || ra < 2 {
			return sign(ra - rb)
		}
		return strings.Compare(a.text, b.text)
	}
	for i := range max(len(a.list), len(b.list)) {
		c := 0
		switch {
		case i >= len(a.list):
			c = -b.list[i].compareNull()
		case i >= len(b.list):
			c = a.list[i].compareNull()
		default:
			c = compareMavenItem(a.list[i], b.list[i])
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// mavenOrder: a qualifier is older than a list ("1-1"), a list older than a
// number ("1.1").
func mavenOrder(k mavenKind) int {
	switch k {
	case mavenWord:
		return 0
	case mavenList:
		return 1
	}
	return 2
}

// compareNull orders an item against nothing.
func (it mavenItem) compareNull() int {
	switch it.kind {
	case mavenNumber:
		return sign(len(strings.Trim(it.text, "0")))
	case mavenWord:
		return sign(mavenRank(it.text))
	}
	for _, inner := range it.list {
		if c := inner.compareNull(); c != 0 {
			return c
		}
	}
	return 0
}
