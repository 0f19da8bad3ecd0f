package sigma

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Evaluate says whether the rule matches a record whose log source it is meant
// for. It interprets the rule as it was read, slowly and obviously: the oracle of
// the engine, and what explains a match.
func (r *Rule) Evaluate(rec *event.Record) bool {
	return r.evaluate(rec, r.condition)
}

// Meant reports whether the rule is meant for records of a kind.
func (r *Rule) Meant(k *event.Kind) bool {
	return k.Fits(r.LogSource.Product, r.LogSource.Category, r.LogSource.Service)
}

func (r *Rule) evaluate(rec *event.Record, e expr) bool {
	switch e := e.(type) {
	case andExpr:
		for _, x := range e {
			if !r.evaluate(rec, x) {
				return false
			}
		}
		return true
	case orExpr:
		for _, x := range e {
			if r.evaluate(rec, x) {
				return true
			}
		}
		return false
	case notExpr:
		return !r.evaluate(rec, e.of)
	case refExpr:
		return nodeHolds(rec, r.selections[string(e)])
	case ofExpr:
		n := 0
		for _, name := range e.names {
			if nodeHolds(rec, r.selections[name]) {
				n++
			}
		}
		if e.n < 0 {
			return n == len(e.names) && n > 0
		}
		return n >= e.n
	}
	return false
}

func nodeHolds(rec *event.Record, n node) bool {
	switch n := n.(type) {
	case allOf:
		for _, x := range n {
			if !nodeHolds(rec, x) {
				return false
			}
		}
		return true
	case anyOf:
		for _, x := range n {
			if nodeHolds(rec, x) {
				return true
			}
		}
		return false
	case *item:
		return n.holds(rec) != n.negate
	}
	return false
}

func (it *item) holds(rec *event.Record) bool {
	for i := range it.values {
		if it.found(rec, &it.values[i]) != it.all {
			return !it.all
		}
	}
	return it.all
}

// found reports whether one value is found in the record.
func (it *item) found(rec *event.Record, v *value) bool {
	texts := textsOf(rec, it.field)
	if it.keyword {
		texts = nil
		for _, x := range rec.Values() {
			texts = append(texts, string(rec.TextOf(&x)))
		}
	}
	switch v.kind {
	case matchNull:
		return len(texts) == 0
	case matchExists:
		return (len(texts) > 0) == v.exists
	}
	for _, text := range texts {
		if v.matches(rec, text) {
			return true
		}
	}
	return false
}

// textsOf are the values of a field that are not null.
func textsOf(rec *event.Record, field string) (texts []string) {
	slot := rec.Schema().Slot(field)
	if slot == event.NoSlot {
		return nil
	}
	for v := rec.First(slot); v != 0; v = rec.Next(v) {
		if rec.TypeOf(v) != event.Null {
			texts = append(texts, string(rec.Text(v)))
		}
	}
	return texts
}

func (v *value) matches(rec *event.Record, text string) bool {
	switch v.kind {
	case matchPattern:
		if !v.cased {
			return globMatch(v.pattern.mapLiterals(event.Fold), event.Fold(text))
		}
		return globMatch(v.pattern, text)
	case matchRegexp:
		return v.re.MatchString(text)
	case matchNetwork:
		a, err := netip.ParseAddr(strings.TrimSpace(text))
		return err == nil && v.network.Contains(a.Unmap().WithZone(""))
	case matchNumber:
		return v.compareNumber(text)
	case matchField:
		for _, other := range textsOf(rec, v.ref) {
			a, b := text, other
			if !v.cased {
				a, b = event.Fold(a), event.Fold(b)
			}
			switch v.how {
			case "contains":
				if strings.Contains(a, b) {
					return true
				}
			case "startswith":
				if strings.HasPrefix(a, b) {
					return true
				}
			case "endswith":
				if strings.HasSuffix(a, b) {
					return true
				}
			default:
				if a == b {
					return true
				}
			}
		}
	}
	return false
}

func (v *value) compareNumber(text string) bool {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if v.part != "" {
		t, ok := event.ParseTime([]byte(text))
		if !ok {
			return false
		}
		n, err = float64(partOf(t.UTC(), v.part)), nil
	}
	if err != nil || n != n {
		return false
	}
	switch v.op {
	case "lt":
		return n < v.number
	case "lte":
		return n <= v.number
	case "gt":
		return n > v.number
	case "gte":
		return n >= v.number
	}
	return n == v.number
}

func partOf(t time.Time, part string) int {
	switch part {
	case "minute":
		return t.Minute()
	case "hour":
		return t.Hour()
	case "day":
		return t.Day()
	case "week":
		_, w := t.ISOWeek()
		return w
	case "month":
		return int(t.Month())
	}
	return t.Year()
}

// globMatch tries every way in which * can stand for text.
func globMatch(p pattern, s string) bool {
	if len(p) == 0 {
		return s == ""
	}
	switch a := p[0]; a.kind {
	case literal:
		return strings.HasPrefix(s, a.text) && globMatch(p[1:], s[len(a.text):])
	case anyOne:
		_, n := utf8.DecodeRuneInString(s)
		return n > 0 && globMatch(p[1:], s[n:])
	case anyDash:
		c, n := utf8.DecodeRuneInString(s)
		return n > 0 && strings.ContainsRune(dashes, c) && globMatch(p[1:], s[n:])
	default:
		for i := 0; i <= len(s); i++ {
			if globMatch(p[1:], s[i:]) {
				return true
			}
		}
		return false
	}
}
