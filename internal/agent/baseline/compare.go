package baseline

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

// compare judges a value that was found.
func compare(c baselines.Compare, s host.Setting) outcome {
	e := Evidence{Path: s.Path, Line: s.Line, Found: s.Value, Wanted: wanted(c)}
	return when(holds(c, s.Value), e)
}

// compareMissing judges a value that is not there.
func compareMissing(c baselines.Compare, path, what string) outcome {
	return missing(c.Missing, Evidence{Path: path, Found: what + " is not set", Wanted: wanted(c)})
}

func holds(c baselines.Compare, value string) bool {
	if c.Equals != "" && !strings.EqualFold(c.Equals, value) ||
		len(c.In) > 0 && !containsFold(c.In, value) ||
		containsFold(c.NotIn, value) ||
		!inRange(c, value) {
		return false
	}
	if c.Matches != "" {
		if re, err := regexp.Compile(c.Matches); err != nil || !re.MatchString(value) {
			return false
		}
	}
	words := wordsOf(value)
	for _, w := range c.Contains {
		if !containsFold(words, w) {
			return false
		}
	}
	return firstExcluded(c.Excludes, words) == ""
}

func inRange(c baselines.Compare, value string) bool {
	if c.Min == nil && c.Max == nil {
		return true
	}
	n, ok := number(value)
	return ok && (c.Min == nil || n >= *c.Min) && (c.Max == nil || n <= *c.Max)
}

// number reads decimal, octal with a leading zero as written by umask users
// included, and sshd's times (2m, 1h30m).
func number(value string) (int64, bool) {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return n, true
	}
	units := map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}
	var total int64
	digits := ""
	for i := range len(value) {
		c := value[i] | 0x20
		unit, isUnit := units[c]
		switch {
		case value[i] >= '0' && value[i] <= '9' && len(digits) < 9:
			digits += value[i : i+1]
		case isUnit && digits != "":
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil {
				return 0, false
			}
			total, digits = total+n*unit, ""
		default:
			return 0, false
		}
	}
	return total, digits == "" && value != ""
}

func wordsOf(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}

func containsFold(list []string, value string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, value) })
}

// firstExcluded is the first word that one of the patterns names, "" if none.
func firstExcluded(patterns, words []string) string {
	for _, w := range words {
		for _, p := range patterns {
			if ok, _ := path.Match(strings.ToLower(p), strings.ToLower(w)); ok {
				return w
			}
		}
	}
	return ""
}

// wanted says a comparison in words.
func wanted(c baselines.Compare) string {
	if c.Means != "" {
		return c.Means
	}
	var parts []string
	if c.Equals != "" {
		parts = append(parts, c.Equals)
	}
	if len(c.In) > 0 {
		parts = append(parts, strings.Join(c.In, " or "))
	}
	if len(c.NotIn) > 0 {
		parts = append(parts, "not "+strings.Join(c.NotIn, " or "))
	}
	parts = append(parts, wantedRange(c)...)
	if c.Matches != "" {
		parts = append(parts, "text matching "+c.Matches)
	}
	if len(c.Contains) > 0 {
		parts = append(parts, "with "+strings.Join(c.Contains, ", "))
	}
	if len(c.Excludes) > 0 {
		parts = append(parts, "without "+strings.Join(c.Excludes, ", "))
	}
	if len(parts) == 0 {
		return "any value"
	}
	return strings.Join(parts, "; ")
}

func wantedRange(c baselines.Compare) []string {
	switch {
	case c.Min != nil && c.Max != nil:
		return []string{strconv.FormatInt(*c.Min, 10) + " to " + strconv.FormatInt(*c.Max, 10)}
	case c.Min != nil:
		return []string{"at least " + strconv.FormatInt(*c.Min, 10)}
	case c.Max != nil:
		return []string{"at most " + strconv.FormatInt(*c.Max, 10)}
	}
	return nil
}
