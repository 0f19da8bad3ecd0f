package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

func TestParseTime(t *testing.T) {
	const want = "2025-01-02T03:04:05"
	for in, out := range map[string]string{
		"2025-01-02T03:04:05Z":               want + "Z",
		"2025-01-02 03:04:05":                want + "Z",
		"2025-01-02 03:04:05.049661100":      want + ".0496611Z",
		"2025-01-02T03:04:05,5":              want + ".5Z",
		"2025-01-02T03:04:05.1234567890123Z": want + ".123456789Z",
		"2025-01-02T05:04:05+02:00":          want + "Z",
		"2025-01-01T22:34:05-0430":           want + "Z",
		"2025-01-02 03:04:05 UTC":            want + "Z",
		"2025-01-02":                         "2025-01-02T00:00:00Z",
		"1735787045":                         want + "Z",
		"1735787045.25":                      want + ".25Z",
		"1735787045000":                      want + "Z",
		"1735787045000001":                   want + ".000001Z",
		"1735787045000000001":                want + ".000000001Z",
		"/Date(1735787045000)/":              want + "Z",
		"0":                                  "1970-01-01T00:00:00Z",
		"4133980800":                         "2101-01-01T00:00:00Z",
		"2025-02-30T00:00:00Z":               "",
		"2025-01-02T25:00:00Z":               "",
		"yesterday":                          "",
		"":                                   "",
	} {
		got, ok := event.ParseTime([]byte(in))
		if ok != (out != "") || ok && got.Format(time.RFC3339Nano) != out {
			t.Errorf("ParseTime(%q) = %v, %v; want %q", in, got, ok, out)
		}
	}
}

func TestBelievable(t *testing.T) {
	received := time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)
	for at, want := range map[string]bool{
		"1970-01-01": false, "1980-01-01": false, "1990-01-01": true, "2025-01-01": true, "2025-01-02T23:59:59Z": true, "2025-01-03T00:00:01Z": false, "2100-01-01": false,
	} {
		when, _ := event.ParseTime([]byte(at))
		if event.Believable(when, received) != want {
			t.Errorf("%s is believed: %v", at, !want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("2025-01-02T03:04:05.5+01:00")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := event.ParseTime([]byte(s))
		if want, err := time.Parse(time.RFC3339Nano, s); err == nil && s[17:19] != "60" {
			if !ok || !got.Equal(want) {
				t.Errorf("ParseTime(%q) = %v, %v; want %v", s, got, ok, want)
			}
		}
	})
}

func FuzzUnescape(f *testing.F) {
	f.Add(`C:\\Windows\u00e9\ud83d\ude00\n`)
	f.Fuzz(func(t *testing.T, s string) {
		var want string
		if json.Unmarshal([]byte(`"`+s+`"`), &want) != nil || !utf8.ValidString(s) {
			return
		}
		if got := string(event.AppendUnescaped(nil, []byte(s))); got != want {
			t.Errorf("unescaped %q = %q, want %q", s, got, want)
		}
	})
}

func FuzzFold(f *testing.F) {
	f.Add("C:\\ÄÖ\xff\u212a")
	f.Fuzz(func(t *testing.T, s string) {
		got := event.Fold(s)
		if utf8.ValidString(s) && got != strings.Map(unicode.ToLower, s) {
			t.Errorf("fold of %q = %q", s, got)
		}
		if event.Fold(got) != got && utf8.ValidString(s) && strings.Map(unicode.ToLower, got) == got {
			t.Errorf("fold of %q is not stable", s)
		}
	})
}

func TestRecordHoldsFields(t *testing.T) {
	schema := event.NewSchema([]string{"Image", "User", "Missing"})
	longer := schema.Extend("Own")
	var r event.Record
	for range 2 {
		r.Reset(longer)
		r.AddString("Image", `C:\A.EXE`)
		r.AddString("Image", "Ünix")
		r.AddString("other", "seen by keywords")
		r.AddInt("Own", 7)
		r.Alias(schema.Slot("User"), longer.Slot("Own"))
		if got := values(&r, schema.Slot("Image")); got != `c:\a.exe|ünix` {
			t.Errorf("Image = %q", got)
		}
		if got := values(&r, schema.Slot("User")); got != "7" {
			t.Errorf("User = %q", got)
		}
		if r.First(schema.Slot("Missing")) != 0 {
			t.Error("Missing is there")
		}
		if n := len(r.Values()); n != 4 {
			t.Errorf("%d values", n)
		}
	}
	r.Reset(longer)
	if r.First(schema.Slot("Image")) != 0 || len(r.Values()) != 0 || !r.Time().IsZero() {
		t.Error("reset leaves something")
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	schema := event.NewSchema([]string{"Image"})
	name, value := []byte("Image"), []byte(`C:\\Windows\\é.exe`)
	var r event.Record
	if n := testing.AllocsPerRun(100, func() {
		r.Reset(schema)
		r.AddValue(name, event.Value{Raw: value, Escaped: true})
		_ = r.Fold(r.First(0))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func values(r *event.Record, slot event.Slot) string {
	var out []string
	for v := r.First(slot); v != 0; v = r.Next(v) {
		out = append(out, string(r.Fold(v)))
	}
	return strings.Join(out, "|")
}

func TestKinds(t *testing.T) {
	a := event.NewKind("windows", []string{"registry_set", "registry_event"}, []string{"sysmon"})
	if b := event.NewKind("Windows", []string{"registry_set", "registry_event"}, []string{"sysmon"}); a != b {
		t.Error("equal kinds differ")
	}
	for _, c := range []struct {
		product, category, service string
		want                       bool
	}{
		{"windows", "registry_event", "", true},
		{"Windows", "", "", true},
		{"", "", "sysmon", true},
		{"windows", "registry_event", "security", false},
		{"linux", "registry_event", "", false},
		{"", "", "", true},
	} {
		if got := a.Fits(c.product, c.category, c.service); got != c.want {
			t.Errorf("%v fits: %v", c, got)
		}
	}
}
