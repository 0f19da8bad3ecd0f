package policy

import (
	"fmt"
	"strings"
	"time"
)

// maxDays bounds addDays to what a date can hold.
const maxDays = 4_000_000

func fnAddDays(c call) (Value, error) {
	t, err := c.time(0)
	if err != nil {
		return Value{}, err
	}
	days, err := c.integer(1)
	if err != nil {
		return Value{}, err
	}
	if days > maxDays || days < -maxDays {
		return Value{}, fmt.Errorf("%d days are out of range", days)
	}
	return c.formatted(t.AddDate(0, 0, int(days)), 2)
}

func fnDateTimeAdd(c call) (Value, error) {
	t, err := c.time(0)
	if err != nil {
		return Value{}, err
	}
	text, err := c.text(1)
	if err != nil {
		return Value{}, err
	}
	d, err := parseDuration(text)
	if err != nil {
		return Value{}, err
	}
	return c.formatted(d.addTo(t), 2)
}

func fnDateTimeFromEpoch(c call) (Value, error) {
	n, err := c.integer(0)
	if err != nil {
		return Value{}, err
	}
	return c.formatted(time.Unix(n, 0).UTC(), 1)
}

func fnDateTimeToEpoch(c call) (Value, error) {
	t, err := c.time(0)
	return IntValue(t.Unix()), err
}

func (c call) time(i int) (time.Time, error) {
	s, err := c.text(i)
	if err != nil {
		return time.Time{}, err
	}
	return parseTime(s)
}

// formatted writes a time by the format argument at i, if it is given.
func (c call) formatted(t time.Time, i int) (Value, error) {
	if t.Year() < 1 || t.Year() > 9999 {
		return Value{}, fmt.Errorf("the year %d is out of range", t.Year())
	}
	if i >= len(c.args) {
		return StringValue(formatTime(t)), nil
	}
	layout, err := c.text(i)
	if err != nil {
		return Value{}, err
	}
	return StringValue(formatCustom(t, layout)), nil
}

// customTokens are the parts of .NET date patterns with Go's layouts, longest
// first.
var customTokens = []struct{ token, layout string }{
	{"yyyy", "2006"}, {"yy", "06"}, {"MMMM", "January"}, {"MMM", "Jan"}, {"MM", "01"}, {"M", "1"},
	{"dddd", "Monday"}, {"ddd", "Mon"}, {"dd", "02"}, {"d", "2"}, {"HH", "15"}, {"hh", "03"}, {"h", "3"},
	{"mm", "04"}, {"m", "4"}, {"ss", "05"}, {"s", "5"}, {"tt", "PM"}, {"zzz", "-07:00"}, {"K", "Z07:00"},
}

// standardFormats are the one-letter patterns that templates use.
var standardFormats = map[string]string{
	"u": "2006-01-02 15:04:05Z", "s": "2006-01-02T15:04:05", "o": utcNowLayout, "O": utcNowLayout,
	"d": "01/02/2006", "R": time.RFC1123, "r": time.RFC1123,
}

func formatCustom(t time.Time, pattern string) string {
	if layout, ok := standardFormats[pattern]; ok {
		return strings.Replace(t.Format(layout), "UTC", "GMT", 1)
	}
	var b strings.Builder
	for pattern != "" {
		if n := len(pattern) - len(strings.TrimLeft(pattern, "f")); n > 0 {
			fraction := fmt.Sprintf("%09d", t.Nanosecond())
			b.WriteString(fraction[:min(n, len(fraction))])
			pattern = pattern[n:]
			continue
		}
		pattern = pattern[writeToken(&b, t, pattern):]
	}
	return b.String()
}

// writeToken writes the first token of the pattern and returns its length.
func writeToken(b *strings.Builder, t time.Time, pattern string) int {
	for _, c := range customTokens {
		if strings.HasPrefix(pattern, c.token) {
			b.WriteString(t.Format(c.layout))
			return len(c.token)
		}
	}
	if pattern[0] == '\'' {
		if end := strings.IndexByte(pattern[1:], '\''); end >= 0 {
			b.WriteString(pattern[1 : 1+end])
			return end + 2
		}
	}
	b.WriteByte(pattern[0])
	return 1
}
