package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestTableIsWellFormed(t *testing.T) {
	if !slices.IsSortedFunc(Table, func(a, b Plan) int { return compare(a.Name, b.Name) }) {
		t.Error("the table is not sorted by name")
	}
	for _, p := range Table {
		if Find(arm.Fold(p.Name)) == nil {
			t.Errorf("%s is not found without case", p.Name)
		}
		for _, name := range p.ReplacedBy {
			if r := Find(name); r == nil || r.Deprecated() {
				t.Errorf("%s: replacement %q is unknown or deprecated itself", p.Name, name)
			}
		}
		if !slices.IsSorted(p.Extensions) {
			t.Errorf("%s: extensions are not sorted", p.Name)
		}
	}
	if Find("NoSuchPlan") != nil {
		t.Error("an unknown plan was found")
	}
}

func compare(a, b string) int {
	switch fa, fb := arm.Fold(a), arm.Fold(b); {
	case fa < fb:
		return -1
	case fa > fb:
		return 1
	}
	return 0
}

// TestEveryTransition walks all plans through every sequence of up to four
// changes, ten days apart, and compares with the rules said as plainly as
// possible.
func TestEveryTransition(t *testing.T) {
	tiers := []string{"Free", "Standard", "standard", "FREE"}
	for i := range Table {
		p := &Table[i]
		walk(t, p, State{}, nil, tiers, 4)
	}
}

func walk(t *testing.T, p *Plan, s State, done, tiers []string, left int) {
	if left == 0 {
		return
	}
	for _, tier := range tiers {
		now := start.Add(time.Duration(len(done)) * 10 * 24 * time.Hour)
		path := append(slices.Clone(done), tier)
		next, err := p.Apply(s, Change{Tier: tier}, now)
		checkStep(t, p, s, next, err, path, now)
		if err == nil {
			walk(t, p, next, path, tiers, left-1)
		}
	}
}

// checkStep is the oracle: what must hold after the last tier of path.
func checkStep(t *testing.T, p *Plan, before, after State, err error, path []string, now time.Time) {
	t.Helper()
	at := fmt.Sprintf("%s %v", p.Name, path)
	on := arm.Fold(path[len(path)-1]) == "standard"
	refuse := on && (p.AlwaysFree || p.Deprecated() && before.Tier != Standard)
	if refuse != (err != nil) {
		t.Fatalf("%s: error %v, want one: %v", at, err, refuse)
	}
	if refuse {
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%s: a refused change must not change the state", at)
		}
		return
	}
	if (after.Tier == Standard) != on {
		t.Fatalf("%s: tier %s", at, after.Tier)
	}
	firstOn := slices.IndexFunc(path, func(s string) bool { return arm.Fold(s) == "standard" })
	wantLeft := TrialLength
	switch {
	case p.AlwaysFree || p.Deprecated():
		wantLeft = 0
	case firstOn >= 0:
		wantLeft = max(0, TrialLength-time.Duration(len(path)-1-firstOn)*10*24*time.Hour)
	}
	if got := p.TrialRemaining(after, now); got != wantLeft {
		t.Fatalf("%s: trial remaining %v, want %v", at, got, wantLeft)
	}
	if p.InTrial(after, now) != (on && wantLeft > 0) {
		t.Fatalf("%s: in trial %v", at, p.InTrial(after, now))
	}
	switch {
	case !on && (after.SubPlan != "" || after.Extensions != nil || !after.EnabledAt.IsZero()):
		t.Fatalf("%s: Free keeps nothing of Standard: %+v", at, after)
	case on && before.Tier == Standard && after.EnabledAt != before.EnabledAt:
		t.Fatalf("%s: turning on what is on must not restart it", at)
	case on && before.Tier != Standard && after.EnabledAt != now:
		t.Fatalf("%s: enabled at %v, want %v", at, after.EnabledAt, now)
	case on && len(p.SubPlans) > 0 && after.SubPlan != p.SubPlans[0]:
		t.Fatalf("%s: sub-plan %q, want the default", at, after.SubPlan)
	}
}

func TestApplyDetails(t *testing.T) {
	yes := true
	on := func(name string) []Extension { return []Extension{{Name: name, Enabled: true}} }
	tests := map[string]struct {
		plan   string
		before State
		change Change
		target string // of the error, "" if it must work
		check  func(State) bool
	}{
		"no tier":               {plan: "Arm", target: "properties.pricingTier"},
		"unknown tier":          {plan: "Arm", change: Change{Tier: "Premium"}, target: "properties.pricingTier"},
		"sub-plan in any case":  {plan: "VirtualMachines", change: Change{Tier: "standard", SubPlan: "p1"}, check: func(s State) bool { return s.SubPlan == "P1" }},
		"unknown sub-plan":      {plan: "VirtualMachines", change: Change{Tier: "Standard", SubPlan: "P9"}, target: "properties.subPlan"},
		"plan without sub-plan": {plan: "SqlServers", change: Change{Tier: "Standard", SubPlan: "P1"}, target: "properties.subPlan"},
		"sub-plan on Free":      {plan: "VirtualMachines", change: Change{Tier: "Free", SubPlan: "P1"}, target: "properties.subPlan"},
		"sub-plan is kept": {plan: "VirtualMachines", before: State{Tier: Standard, SubPlan: "P1"}, change: Change{Tier: "Standard"},
			check: func(s State) bool { return s.SubPlan == "P1" }},
		"extensions are listed in full": {plan: "StorageAccounts", change: Change{Tier: "Standard", Extensions: on("onuploadmalwarescanning")},
			check: func(s State) bool {
				return len(s.Extensions) == 2 && s.Extensions[0].Name == "OnUploadMalwareScanning" && s.Extensions[0].Enabled && !s.Extensions[1].Enabled
			}},
		"extensions are kept": {plan: "StorageAccounts", before: State{Tier: Standard, Extensions: on("SensitiveDataDiscovery")}, change: Change{Tier: "Standard"},
			check: func(s State) bool { return s.Extensions[1].Enabled }},
		"unknown extension": {plan: "StorageAccounts", change: Change{Tier: "Standard", Extensions: on("Nope")}, target: "properties.extensions"},
		"extension on Free": {plan: "StorageAccounts", change: Change{Tier: "Free", Extensions: on("SensitiveDataDiscovery")}, target: "properties.extensions"},
		"enforce":           {plan: "VirtualMachines", change: Change{Tier: "Free", Enforce: &yes}, check: func(s State) bool { return s.Enforce }},
		"deprecated can stay": {plan: "Dns", before: State{Tier: Standard, EnabledAt: start, TrialStarted: start}, change: Change{Tier: "Standard"},
			check: func(s State) bool { return s.Tier == Standard }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			after, err := Find(tt.plan).Apply(tt.before, tt.change, start)
			if tt.target == "" {
				if err != nil || !tt.check(after) {
					t.Fatalf("state %+v, error %v", after, err)
				}
				return
			}
			var e *arm.Error
			if !errors.As(err, &e) || e.Status != http.StatusBadRequest || e.Target != tt.target {
				t.Fatalf("error %v, want a 400 at %s", err, tt.target)
			}
		})
	}
}

func TestTrialIgnoresAClockThatJumps(t *testing.T) {
	p := Find("Arm")
	s, err := p.Apply(State{}, Change{Tier: "Standard"}, start)
	if err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]time.Duration{-400: TrialLength, 0: TrialLength, 29: 24 * time.Hour, 30: 0, 400: 0} {
		if got := p.TrialRemaining(s, start.AddDate(0, 0, days)); got != want {
			t.Errorf("after %d days %v are left, want %v", days, got, want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	tests := map[time.Duration]string{
		0: "PT0S", -time.Hour: "PT0S", time.Second / 2: "PT0S", time.Second: "PT1S", TrialLength: "P30D",
		25*time.Hour + time.Minute: "P1DT1H1M", 3*time.Hour + 5*time.Second: "PT3H5S", 24*time.Hour + time.Second: "P1DT1S",
	}
	for d, want := range tests {
		if got := FormatDuration(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}

func TestFormatDurationIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		d := time.Duration(r.IntN(90*86400)) * time.Second
		if got := parse(t, FormatDuration(d)); got != d {
			t.Fatalf("%v is written %q, which is %v", d, FormatDuration(d), got)
		}
	}
}

// parse reads the subset of ISO 8601 that FormatDuration writes.
func parse(t *testing.T, s string) time.Duration {
	t.Helper()
	var total, n time.Duration
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			n = n*10 + time.Duration(c-'0')
			continue
		case c == 'D':
			total += n * 24 * time.Hour
		case c == 'H':
			total += n * time.Hour
		case c == 'M':
			total += n * time.Minute
		case c == 'S':
			total += n * time.Second
		case c != 'P' && c != 'T':
			t.Fatalf("%q holds %q", s, c)
		}
		n = 0
	}
	return total
}
