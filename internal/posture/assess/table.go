package assess

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/content"
)

// maxRows is how many recommendations the table shows.
const maxRows = 25

// WriteTable writes the report for people, in 100 columns.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d resources, %d policies, %.1f s\n\n", r.Resources, r.Policies, r.Seconds.Load+r.Seconds.Evaluate)
	if r.Score.Max == 0 {
		b.WriteString("Secure score  nothing to score\n")
	} else {
		fmt.Fprintf(&b, "Secure score  %.0f %%  (%.2f of %d points", r.Score.Percent, r.Score.Current, r.Score.Max)
		if r.Score.High-r.Score.Low >= 0.5 {
			fmt.Fprintf(&b, "; %.0f to %.0f %% as unknown turns out", r.Score.Low, r.Score.High)
		}
		b.WriteString(")\n")
	}
	for _, c := range r.Controls {
		if c.Healthy+c.Unhealthy+c.Unknown > 0 && c.Max > 0 {
			fmt.Fprintf(&b, "  %5.2f of %2d  %-52s %6d healthy %6d unhealthy\n", c.Current, c.Max, clip(c.Name, 52), c.Healthy, c.Unhealthy)
		}
	}
	r.writeUnhealthy(&b)
	for i, x := range r.Rejected {
		if i == maxRows {
			fmt.Fprintf(&b, "... and %d more lines\n", r.RejectedTotal-maxRows)
			break
		}
		fmt.Fprintf(&b, "line %d: %s\n", x.Line, x.Reason)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "policy %s: %s\n", p.Policy, p.Reason)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeUnhealthy(b *strings.Builder) {
	rows := slices.DeleteFunc(slices.Clone(r.Recommendations), func(x Recommendation) bool { return x.Unhealthy == 0 })
	order := []content.Severity{content.Critical, content.High, content.Medium, content.Low}
	slices.SortStableFunc(rows, func(x, y Recommendation) int {
		if d := slices.Index(order, x.Severity) - slices.Index(order, y.Severity); d != 0 {
			return d
		}
		return y.Unhealthy - x.Unhealthy
	})
	if len(rows) == 0 {
		b.WriteString("\nNothing is unhealthy.\n")
		return
	}
	b.WriteString("\nUnhealthy     Of  Severity  Recommendation\n")
	for i, x := range rows {
		if i == maxRows {
			fmt.Fprintf(b, "  ... and %d more recommendations (--format json lists all)\n", len(rows)-maxRows)
			break
		}
		fmt.Fprintf(b, "%9d %6d  %-8s  %s\n", x.Unhealthy, x.Healthy+x.Unhealthy+x.Unknown, x.Severity, clip(x.Name, 72))
	}
	b.WriteByte('\n')
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-3]) + "..."
	}
	return s
}
