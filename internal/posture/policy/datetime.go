package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// timeLayouts are the forms of ISO 8601 that documents and resources use; a
// time without zone is UTC.
var timeLayouts = [...]string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02",
}

// maxTimeText bounds what is tried as a time at all.
const maxTimeText = 40

func parseTime(s string) (time.Time, error) {
	if len(s) >= len("2006-01-02") && len(s) <= maxTimeText && s[4] == '-' {
		for _, layout := range timeLayouts {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is not an ISO 8601 date and time", clip(s))
}

// utcNowLayout has seven digits of fraction, as the service gives them.
const utcNowLayout = "2006-01-02T15:04:05.0000000Z"

// formatTime writes a computed time: without fraction if it has none.
func formatTime(t time.Time) string {
	if t.Nanosecond() == 0 {
		return t.UTC().Format("2006-01-02T15:04:05Z")
	}
	return t.UTC().Format(utcNowLayout)
}

// duration is an ISO 8601 duration; months and years are calendar steps.
type duration struct {
	years, months, days int
	rest                time.Duration
}

// addTo steps months first; a day that the month does not have becomes its
// last one.
func (d duration) addTo(t time.Time) time.Time {
	year, month, day := t.Date()
	first := time.Date(year+d.years, month+time.Month(d.months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(day, last)-1+d.days).Add(d.rest)
}

// parseDuration reads "P1Y2M3DT4H5M6.5S", "P2W" and the negative forms.
func parseDuration(s string) (duration, error) {
	bad := fmt.Errorf("%q is not an ISO 8601 duration", clip(s))
	sign, rest := 1, s
	if strings.HasPrefix(rest, "-") {
		sign, rest = -1, rest[1:]
	}
	if len(rest) < 3 || rest[0] != 'P' || len(rest) > maxTimeText {
		return duration{}, bad
	}
	var d duration
	inTime := false
	for rest = rest[1:]; rest != ""; {
		if rest[0] == 'T' && !inTime {
			inTime, rest = true, rest[1:]
			if rest == "" {
				return duration{}, bad
			}
			continue
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 {
			return duration{}, bad
		}
		amount, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil || amount > 1e6 || !d.add(rest[n], inTime, amount*float64(sign)) {
			return duration{}, bad
		}
		rest = rest[n+1:]
	}
	return d, nil
}

// add adds one component; it reports false for a unit that does not exist or
// a fraction of a calendar unit.
func (d *duration) add(unit byte, inTime bool, amount float64) bool {
	if inTime {
		scale := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}[unit]
		d.rest += time.Duration(amount * float64(scale))
		return scale != 0
	}
	if amount != math.Trunc(amount) {
		return false
	}
	switch unit {
	case 'Y':
		d.years += int(amount)
	case 'M':
		d.months += int(amount)
	case 'W':
		d.days += 7 * int(amount)
	case 'D':
		d.days += int(amount)
	default:
		return false
	}
	return true
}
