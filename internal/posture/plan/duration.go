package plan

import (
	"strconv"
	"strings"
	"time"
)

// FormatDuration writes a duration as ISO 8601 with days, hours, minutes and
// whole seconds ("P29DT3H", "PT0S"): the one form that every client parses.
// Negative durations are written as zero.
func FormatDuration(d time.Duration) string {
	seconds := int64(max(d, 0) / time.Second)
	if seconds == 0 {
		return "PT0S"
	}
	var b strings.Builder
	b.WriteByte('P')
	write := func(n int64, unit byte) {
		if n > 0 {
			b.WriteString(strconv.FormatInt(n, 10))
			b.WriteByte(unit)
		}
	}
	write(seconds/86400, 'D')
	seconds %= 86400
	if seconds > 0 {
		b.WriteByte('T')
	}
	write(seconds/3600, 'H')
	write(seconds/60%60, 'M')
	write(seconds%60, 'S')
	return b.String()
}
