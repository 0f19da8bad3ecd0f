package content

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// WriteCatalog writes the library as a Markdown page: the controls, then the
// recommendations by family. The output depends on the library alone.
func (l *Library) WriteCatalog(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Recommendations\n\nGenerated from `content/` by `go generate ./content`; do not edit.\n\n")
	fmt.Fprintf(b, "%d recommendations in %d controls. A control of 0 points is shown and never scored.\n\n", len(l.Recommendations), len(l.Controls))
	l.writeControls(b)
	families := make(map[string][]*Recommendation)
	for _, r := range l.Recommendations {
		families[r.Family()] = append(families[r.Family()], r)
	}
	for _, family := range slices.Sorted(maps.Keys(families)) {
		l.writeFamily(b, family, families[family])
	}
	l.writeProducers(b)
	return b.Flush()
}

// Family is the folder of content/policies that the recommendation's file is
// in.
func (r *Recommendation) Family() string { return path.Base(path.Dir(r.File)) }

// HasFix reports whether the recommendation carries a quick fix that can be
// proven before it is offered: a patch of the resource, a child resource to
// create, or commands with the report that they lead to.
func (r *Recommendation) HasFix() bool {
	m := &r.Remediation
	return m.Patch != nil || m.Create != nil || m.Expect != nil
}

func (l *Library) writeControls(b *bufio.Writer) {
	count := make(map[string]int)
	for _, r := range l.Recommendations {
		count[r.Control]++
	}
	fmt.Fprintf(b, "| Control | Points | Recommendations | What it is about |\n|---|---|---|---|\n")
	for _, c := range l.Controls {
		fmt.Fprintf(b, "| %s | %d | %d | %s |\n", c.Title, c.Max, count[c.ID], c.Description)
	}
}

func (l *Library) writeFamily(b *bufio.Writer, family string, list []*Recommendation) {
	fmt.Fprintf(b, "\n## %s\n\n| Recommendation | Severity | Control | Fix | Benchmark | Id |\n|---|---|---|---|---|---|\n", family)
	for _, r := range list {
		fmt.Fprintf(b, "| **%s**<br>%s | %s | %s | %s | %s | `%s` |\n", r.Title, r.Description, r.Severity,
			l.controlTitle(r.Control), fixWord(r), strings.Join(r.Standards[benchmark], ", "), r.ID)
	}
}

// writeProducers lists what judges documents of ours, and what is not computed
// yet.
func (l *Library) writeProducers(b *bufio.Writer) {
	fmt.Fprintf(b, "\n## Data that Rampart computes\n\nUntil its data comes, such a recommendation is unknown.\n\n")
	fmt.Fprintf(b, "| Recommendation | Computed by | What it says |\n|---|---|---|\n")
	list := slices.SortedFunc(slices.Values(l.Producers), func(a, b Producer) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Recommendation, b.Recommendation))
	})
	for _, p := range list {
		fmt.Fprintf(b, "| %s | %s | %s |\n", l.Recommendation(p.Recommendation).Title, p.Package, p.Computes)
	}
}

func (l *Library) controlTitle(id string) string {
	if c := l.Control(id); c != nil {
		return c.Title
	}
	return id
}

func fixWord(r *Recommendation) string {
	if r.HasFix() {
		return "quick fix"
	}
	return "steps"
}
