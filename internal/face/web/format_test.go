package web

import (
	"net/url"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/risk"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"zero", number(0), "0"},
		{"hundreds", number(999), "999"},
		{"thousands", number(12408), "12,408"},
		{"millions", number(10000000), "10,000,000"},
		{"negative", number(-1234), "-1,234"},
		{"negativeShort", number(-123), "-123"},
		{"one", count(1, "resource", "resources"), "1 resource"},
		{"many", count(1200, "resource", "resources"), "1,200 resources"},
		{"turned", clip("\u202egpj.exe", 80), "\ufffdgpj.exe"},
		{"hidden", clip("ad\u200bmin\x07", 80), "ad\ufffdmin\ufffd"},
		{"joined", clip("می\u200cخواهم", 80), "می\u200cخواهم"},
		{"long", clip("abcdef", 4), "abc…"},
		{"turnedName", resourceName("/subscriptions/s/resourceGroups/\u202eg"), "\ufffdg"},
		{"word", inWords(2), "Two"},
		{"noWord", inWords(12), "12"},
		{"percent", percent(64.1), "64 %"},
		{"notQuiteAll", percent(99.97), "99 %"},
		{"notQuiteNone", percent(0.2), "<1 %"},
		{"all", percent(100), "100 %"},
		{"none", percent(0), "0 %"},
		{"points", points(37.24), "37.2"},
		{"wholePoints", points(8), "8"},
		{"gain", signed(0.62), "+0.6 %"},
		{"loss", signed(-0.2), "−0.2 %"},
		{"tinyGain", signed(0.01), "<0.1 %"},
		{"noise", signed(-1e-9), "0 %"},
		{"noGain", signed(0), "0 %"},
		{"clip", clip("größer", 4), "grö…"},
		{"noClip", clip("kurz", 4), "kurz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 14, 0, 0, time.UTC)
	c := clock{now: now, zone: time.UTC}
	for _, x := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"now", now, "just now"},
		{"clockAhead", now.Add(2 * time.Second), "just now"},
		{"seconds", now.Add(-12 * time.Second), "12 s ago"},
		{"minutes", now.Add(-4 * time.Minute), "4 min ago"},
		{"hours", now.Add(-23 * time.Hour), "23 h ago"},
		{"aDay", now.Add(-24 * time.Hour), "21 Nov"},
		{"lastYear", now.AddDate(-1, 0, 0), "22 Nov 2025"},
		{"soon", now.Add(3 * time.Hour), "in 3 h"},
		{"later", now.AddDate(0, 0, 5), "27 Nov"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := c.ago(x.at); got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
	for name, x := range map[string]struct {
		at   time.Time
		want string
	}{
		"overdue": {now.Add(-50 * time.Hour), "overdue 3 d"}, "justOverdue": {now.Add(-time.Hour), "overdue 1 d"},
		"today": {now.Add(5 * time.Hour), "due today"}, "later": {now.AddDate(0, 0, 4), "26 Nov"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.due(x.at); got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
	if got := string(c.element(time.Time{}, "x")); got != "never" {
		t.Errorf("zero time: %q", got)
	}
}

func TestAddress(t *testing.T) {
	u, err := url.Parse("/recommendations?scope=/subscriptions/s&state=unhealthy&state=unknown&after=cursor&from=51&q=a%26b")
	if err != nil {
		t.Fatal(err)
	}
	a := address{base: "/t/demo", path: u.Path, query: u.Query()}
	for _, c := range []struct{ name, got, want string }{
		{"toKeepsScope", a.To("/inventory", "state", "unhealthy"), "/t/demo/inventory?scope=/subscriptions/s&state=unhealthy"},
		{"toOtherScope", a.To("/posture", "scope", "/subscriptions/t"), "/t/demo/posture?scope=/subscriptions/t"},
		{"toNoScope", a.To("/posture", "scope", ""), "/t/demo/posture"},
		{"withStartsOver", a.With("q", ""), "/t/demo/recommendations?scope=/subscriptions/s&state=unhealthy&state=unknown"},
		{"toggledOff", a.Toggled("state", "unknown"), "/t/demo/recommendations?q=a%26b&scope=/subscriptions/s&state=unhealthy"},
		{"toggledOn", a.Toggled("state", "healthy"), "/t/demo/recommendations?q=a%26b&scope=/subscriptions/s&state=unhealthy&state=unknown&state=healthy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got  %s\nwant %s", c.got, c.want)
			}
		})
	}
	if len(a.query["state"]) != 2 || a.query.Get("after") != "cursor" {
		t.Error("making links changed the page's own parameters")
	}
}

func TestWordsOfTypes(t *testing.T) {
	for in, want := range map[string]string{
		"Microsoft.Compute/virtualMachines": "Virtual machine|Virtual machines",
		"MICROSOFT.KEYVAULT/VAULTS":         "Key vault|Key vaults",
		"Microsoft.Network/virtualHubs":     "Virtual hub|Virtual hubs",
		"odd":                               "Odd|Odd",
		"":                                  "|",
	} {
		if got := typeName(in) + "|" + typePlural(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

// TestEveryIconIsDrawn finds marks and navigation entries whose icon has no
// drawing.
func TestEveryIconIsDrawn(t *testing.T) {
	var names []string
	for _, s := range severities {
		names = append(names, severityMark(s).Icon)
	}
	for _, s := range allStates {
		names = append(names, stateMark(s).Icon)
	}
	for level := risk.None; level <= risk.Critical; level++ {
		names = append(names, riskMark(level).Icon)
	}
	for _, name := range names {
		if icons[name] == "" {
			t.Errorf("icon %q has no drawing", name)
		}
	}
}

func TestSafeRedirect(t *testing.T) {
	for in, want := range map[string]string{
		"/policies#x": "/policies#x", "": "/", "https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "javascript:alert(1)": "/", "relative": "/",
	} {
		if got := safe(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestChosenDay chooses the day on which something ends: the day that pages
// then show is the same, wherever the reader is.
func TestChosenDay(t *testing.T) {
	for _, name := range []string{"UTC", "Asia/Tokyo", "America/Los_Angeles"} {
		zone, err := time.LoadLocation(name)
		check(t, err)
		v := &visit{clock: clock{now: fixtureNow, zone: zone}}
		end, err := v.expiry("2027-05-01")
		check(t, err)
		if got := v.day(end); got != "1 May 2027" {
			t.Errorf("%s: 2027-05-01 shows as %s", name, got)
		}
	}
}

func TestScopeNames(t *testing.T) {
	f := fixtureFrame(t, fixtureServerOf(t), "/governance?scope="+fixtureSub, "Governance")
	for _, c := range []struct{ id, name, url string }{
		{"/", "Whole estate", "/inventory"},
		{fixtureSub, "on-premises", "/inventory?scope=" + fixtureSub},
		{fixtureServer, "vm-build-03", "/resource?id=" + fixtureServer + "&scope=" + fixtureSub},
	} {
		if name, url := f.ScopeName(c.id), f.ScopeURL(c.id); name != c.name || url != c.url {
			t.Errorf("%s: got %q at %s, want %q at %s", c.id, name, url, c.name, c.url)
		}
	}
}
