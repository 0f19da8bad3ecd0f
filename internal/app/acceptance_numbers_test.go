package app

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/client"
	"github.com/rampart-sec/rampart/internal/posture/assess"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// overviewScore is the figure of the overview.
var overviewScore = regexp.MustCompile(`(?s)id="score"[^>]*>.*?>(\d+)\s*(?:<[^>]*>)*\s*%`)

// counts are healthy, unhealthy, and unknown or exempt: what the wire calls not
// applicable with a cause.
type counts [3]int

// TestTheSameNumbersEverywhere judges one estate by the command line and by a
// running server, and reads the server's numbers off the index, the ARM API and
// the pages.
func TestTheSameNumbersEverywhere(t *testing.T) {
	a := start(t, Config{})
	v := visit(t, a)
	lines := simulated(t, 3000)
	// The server judges its own subscription, too.
	own := fmt.Sprintf(`{"id":"/subscriptions/%[1]s","name":"%[1]s","type":"Microsoft.Resources/subscriptions"}`+"\n", v.boot.SubscriptionID)
	all := io.MultiReader(strings.NewReader(own), bytes.NewReader(lines))
	offline, err := assess.Run(t.Context(), assess.Options{Resources: all, Now: time.Now})
	must(t, err)
	if offline.RejectedTotal > 0 || len(offline.Problems) > 0 || offline.Score.Max == 0 {
		t.Fatalf("a poor trial: %d rejected, %v, %+v", offline.RejectedTotal, offline.Problems, offline.Score)
	}
	if res := v.load(lines); res.RejectedTotal > 0 || res.Created < offline.Resources-1 {
		t.Fatalf("import: %+v", res)
	}
	waitFor(t, a, "the estate", func(s snapshot) bool { return s.resources >= offline.Resources })
	subs := v.subscriptions()
	view := settled(t, a, "the verdicts", func(s snapshot) bool { return s.view.Score(index.Scope{}).Weight > 0 })

	want := map[string]counts{}
	for _, r := range offline.Recommendations {
		if c := (counts{r.Healthy, r.Unhealthy, r.Unknown + r.Exempt}); c != (counts{}) {
			want[r.ID] = c
		}
	}
	t.Run("index", func(t *testing.T) { sameScore(t, offline, view) })
	t.Run("assessments", func(t *testing.T) { compare(t, want, v.countedAssessments(subs)) })
	t.Run("csv", func(t *testing.T) { compare(t, want, v.countedTable()) })
	t.Run("controls", func(t *testing.T) { sameControls(t, offline, v, subs) })
	t.Run("scores", func(t *testing.T) { sameScores(t, offline, v, subs) })
	t.Run("pages", func(t *testing.T) {
		shown := overviewScore.FindSubmatch(v.page("/"))
		if want := fmt.Sprintf("%.0f", offline.Score.Percent); shown == nil || string(shown[1]) != want {
			t.Errorf("the overview shows %s, want %s %%", shown, want)
		}
	})
	t.Run("sweep", func(t *testing.T) {
		c, err := client.Dial(t.Context(), v.boot, "")
		must(t, err)
		s, err := c.Sweep(t.Context())
		must(t, err)
		if s.DifferencesTotal != 0 || len(s.Problems) != 0 || s.Resources != view.Resources() || s.Assessments == 0 {
			t.Errorf("sweep: %+v, of %d resources", s, view.Resources())
		}
	})
	t.Run("restart", func(t *testing.T) {
		must(t, a.Stop())
		again := start(t, Config{Data: a.opt.Config.Data})
		<-again.judge.Ready()
		sameScore(t, offline, again.judge.Estate(store.DefaultTenant).View())
		compare(t, want, visit(t, again).countedTable())
	})
}

func sameScore(t *testing.T, offline *assess.Report, view *index.View) {
	t.Helper()
	s := view.Score(index.Scope{})
	if got := (assess.Score{Percent: s.Percent, Current: s.Current, Max: s.Max, Low: s.Low, High: s.High}); !sameRange(got, offline.Score) {
		t.Errorf("score %+v, offline %+v", got, offline.Score)
	}
}

func sameRange(a, b assess.Score) bool {
	near := func(x, y float64) bool { return math.Abs(x-y) < 1e-9 }
	return near(a.Percent, b.Percent) && near(a.Current, b.Current) && a.Max == b.Max && near(a.Low, b.Low) && near(a.High, b.High)
}

// compare reports the keys whose counts differ.
func compare(t *testing.T, want, got map[string]counts) {
	t.Helper()
	keys := maps.Clone(want)
	maps.Copy(keys, got)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if got[k] != want[k] {
			t.Errorf("%s: %v, offline %v", k, got[k], want[k])
		}
	}
	if len(want) == 0 {
		t.Error("nothing to compare")
	}
}

// countedAssessments counts what the API lists.
func (v *visitor) countedAssessments(subs []string) map[string]counts {
	v.t.Helper()
	got := map[string]counts{}
	for _, sub := range subs {
		for _, x := range list[wireAssessment](v, sub+"/providers/Microsoft.Security/assessments?api-version=2021-06-01&$top=1000") {
			c := got[x.Name]
			c[slices.Index([]string{"Healthy", "Unhealthy", "NotApplicable"}, x.Properties.Status.Code)]++
			got[x.Name] = c
		}
	}
	return got
}

type wireAssessment struct {
	Name       string
	Properties struct {
		Status struct{ Code, Cause string }
	}
}

// countedTable reads the counts off the Recommendations page's list.
func (v *visitor) countedTable() map[string]counts {
	v.t.Helper()
	got := map[string]counts{}
	for _, row := range v.table("/recommendations.csv") {
		var c counts
		for i, columns := range [][]string{{"healthy"}, {"unhealthy"}, {"unknown", "exempt"}} {
			for _, name := range columns {
				n, err := strconv.Atoi(row[name])
				must(v.t, err)
				c[i] += n
			}
		}
		if c != (counts{}) {
			got[row["id"]] = c
		}
	}
	return got
}

// sameControls sums the controls of all subscriptions.
func sameControls(t *testing.T, offline *assess.Report, v *visitor, subs []string) {
	t.Helper()
	want, got := map[string]counts{}, map[string]counts{}
	for _, c := range offline.Controls {
		want[c.Name] = counts{c.Healthy, c.Unhealthy, c.Unknown}
	}
	for _, sub := range subs {
		for _, c := range list[struct {
			Properties struct {
				DisplayName                                                        string
				HealthyResourceCount, UnhealthyResourceCount, UnknownResourceCount int
			}
		}](v, sub+"/providers/Microsoft.Security/secureScoreControls") {
			p, sum := c.Properties, got[c.Properties.DisplayName]
			got[p.DisplayName] = counts{sum[0] + p.HealthyResourceCount, sum[1] + p.UnhealthyResourceCount, sum[2] + p.UnknownResourceCount}
		}
	}
	compare(t, want, got)
}

// sameScores weighs the scores of all subscriptions, to the places that the
// wire carries.
func sameScores(t *testing.T, offline *assess.Report, v *visitor, subs []string) {
	t.Helper()
	var sum, weight float64
	for _, sub := range subs {
		for _, s := range list[struct {
			Properties struct {
				Weight float64
				Score  struct{ Percentage float64 }
			}
		}](v, sub+"/providers/Microsoft.Security/secureScores") {
			sum += s.Properties.Weight * s.Properties.Score.Percentage
			weight += s.Properties.Weight
		}
	}
	if got := sum / weight * 100; math.Abs(got-offline.Score.Percent) > 0.01 {
		t.Errorf("%.4f %%, offline %.4f", got, offline.Score.Percent)
	}
}
