package event

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// ParseTime reads a time as log sources write it:
//
//   - 2025-01-02T03:04:05 with a T or a space, any number of fractional digits
//     after a point or comma, and Z, +hh:mm, +hhmm, +hh or UTC behind it; without
//     any of these it is UTC
//   - 2025-01-02
//   - a number since 1970: seconds below 10^11, milliseconds below 10^14,
//     microseconds below 10^17, else nanoseconds; a fraction counts for seconds
//   - /Date(1735787045000)/ of .NET
//
// It reports false for anything else.
func ParseTime(b []byte) (time.Time, bool) {
	b = bytes.TrimSpace(b)
	if inner, ok := bytes.CutPrefix(b, []byte("/Date(")); ok {
		b = bytes.TrimSuffix(inner, []byte(")/"))
	}
	if len(b) >= 10 && b[4] == '-' && b[7] == '-' {
		return parseCivil(b)
	}
	return parseEpoch(b)
}

// earliest is before any log that is worth reading, and after what clocks and
// counters that were never set say (1970, 1980).
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// maxSkew is how far the clock of a source may run ahead of the receiver's.
const maxSkew = 24 * time.Hour

// Believable reports whether a record that was received at some time may have
// happened at t: not before 1990, and not more than a day after it was received.
// What works on event time (windows, retention) must not be moved by other times:
// it takes the time of receipt for them and counts them.
func Believable(t, received time.Time) bool {
	return !t.Before(earliest) && !t.After(received.Add(maxSkew))
}

func parseCivil(b []byte) (time.Time, bool) {
	year, ok1 := digits(b[0:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, false
	}
	rest := b[10:]
	if len(rest) == 0 {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC), true
	}
	if len(rest) < 9 || rest[0] != 'T' && rest[0] != 't' && rest[0] != ' ' || rest[3] != ':' || rest[6] != ':' {
		return time.Time{}, false
	}
	hour, ok1 := digits(rest[1:3])
	minute, ok2 := digits(rest[4:6])
	second, ok3 := digits(rest[7:9])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	nanos, rest := fraction(rest[9:])
	offset, ok := zone(bytes.TrimSpace(rest))
	if !ok {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC).Add(-offset), true
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// fraction reads .123 or ,123 as nanoseconds; digits beyond nine are dropped.
func fraction(b []byte) (int, []byte) {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' {
		return 0, b
	}
	nanos, scale, i := 0, 100_000_000, 1
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		nanos += int(b[i]-'0') * scale
		scale /= 10
	}
	return nanos, b[i:]
}

func zone(b []byte) (time.Duration, bool) {
	switch s := string(b); s {
	case "", "Z", "z", "UTC", "GMT":
		return 0, true
	}
	if b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	var hm [4]byte // hhmm; minutes may be missing
	copy(hm[:], "0000")
	n := 0
	for _, c := range b[1:] {
		if c == ':' && n == 2 {
			continue
		}
		if n == len(hm) {
			return 0, false
		}
		hm[n] = c
		n++
	}
	if n != 2 && n != 4 {
		return 0, false
	}
	h, ok1 := digits(hm[:2])
	m, ok2 := digits(hm[2:])
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if b[0] == '-' {
		d = -d
	}
	return d, ok1 && ok2 && h < 24 && m < 60
}

func digits(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func parseEpoch(b []byte) (time.Time, bool) {
	if len(b) == 0 || len(b) > 32 || b[0] < '0' || b[0] > '9' {
		return time.Time{}, false
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		switch {
		case n < 1e11:
			return time.Unix(n, 0).UTC(), true
		case n < 1e14:
			return time.UnixMilli(n).UTC(), true
		case n < 1e17:
			return time.UnixMicro(n).UTC(), true
		}
		return time.Unix(0, n).UTC(), true
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f >= 1e11 {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(part*1e6))*1000).UTC(), true
}
