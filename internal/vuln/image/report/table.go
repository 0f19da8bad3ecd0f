package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// writeTable writes for people: what to do first comes first.
func writeTable(w io.Writer, r *image.Report) error {
	b := bufio.NewWriter(w)
	heading(b, r)
	if err := findings(b, r); err != nil {
		return err
	}
	others(b, r)
	unknown(b, r)
	summary(b, r)
	return b.Flush()
}

func heading(w io.Writer, r *image.Report) {
	fmt.Fprintf(w, "%s  %s  %s\n", text(cmp.Or(r.Image.Name, "image")), text(r.Image.Platform), text(r.Image.Digest))
	if s := r.System; s != nil {
		end := ""
		if s.Ended {
			end = ", security updates ended on " + s.EndOfLife
		}
		fmt.Fprintf(w, "%s%s\n", text(s.Name), end)
	}
	fmt.Fprintf(w, "%d packages, %d layers, %.1f s\n", len(r.Packages), len(r.Image.Layers), r.Seconds)
}

// row is one line: the same vulnerability of packages of one source is said once.
type row struct {
	image.Finding
	packages []string
}

func rows(r *image.Report) []*row {
	type key struct{ source, version, id, fixed, path string }
	at := map[key]*row{}
	var all []*row
	for _, f := range r.Findings {
		k := key{cmp.Or(f.Source, f.Package), f.Version, f.ID, f.FixedVersion, ""}
		if f.Source == "" {
			k.path = f.Path
		}
		if have := at[k]; have != nil {
			have.packages = append(have.packages, f.Package)
			continue
		}
		at[k] = &row{f, []string{f.Package}}
		all = append(all, at[k])
	}
	slices.SortStableFunc(all, func(a, b *row) int {
		return cmp.Or(compareBool(b.KEV, a.KEV), cmp.Compare(b.Severity, a.Severity), compareBool(b.FixedVersion != "", a.FixedVersion != ""), cmp.Compare(b.EPSS, a.EPSS), cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func findings(w io.Writer, r *image.Report) error {
	if len(r.Findings) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SEVERITY\tID\tPACKAGE\tINSTALLED\tFIXED IN\tEPSS\tLAYER")
	for _, f := range rows(r) {
		name := cmp.Or(f.Source, f.Package)
		if n := len(f.packages); n > 1 {
			name = fmt.Sprintf("%s (%d packages)", name, n)
		}
		severity := f.Severity.String()
		if f.KEV {
			severity += " exploited"
		}
		epss := ""
		if f.EPSS > 0 {
			epss = fmt.Sprintf("%.1f%%", 100*f.EPSS)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", severity, text(f.ID), text(name), text(f.Version), text(cmp.Or(f.FixedVersion, f.Status)), epss, layer(r, f.Layer))
	}
	return t.Flush()
}

// layer writes a layer short: its number, and the step of the build.
func layer(r *image.Report, digest string) string {
	for i, l := range r.Image.Layers {
		if l.Digest == digest {
			step := []rune(text(strings.TrimPrefix(l.CreatedBy, "/bin/sh -c ")))
			if len(step) > 40 {
				step = append(step[:37], []rune("...")...)
			}
			return strings.TrimSpace(fmt.Sprintf("%d %s", i+1, string(step)))
		}
	}
	return ""
}

func others(w io.Writer, r *image.Report) {
	if len(r.Secrets) > 0 {
		fmt.Fprintf(w, "\nSecrets:\n")
	}
	for _, s := range r.Secrets {
		still := ""
		if s.Removed {
			still = "  (removed by a later layer, but still in the image)"
		}
		fmt.Fprintf(w, "  %s  %s  %s:%d  %s%s\n", s.Severity, s.Title, text(s.Path), s.Line, text(s.Match), still)
	}
	if len(r.Configuration) > 0 {
		fmt.Fprintf(w, "\nConfiguration:\n")
	}
	for _, c := range r.Configuration {
		fmt.Fprintf(w, "  %s  %s  %s\n", c.Severity, c.Title, text(c.Evidence))
	}
}

// unknown says what the scan does not know. Nobody may take silence for health.
func unknown(w io.Writer, r *image.Report) {
	if len(r.Problems)+len(r.Gaps) > 0 {
		fmt.Fprintf(w, "\nNot known:\n")
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(w, "  %d packages of %s: %s\n", g.Packages, text(cmp.Or(g.Ecosystem, "no ecosystem")), text(g.Reason))
	}
	const most = 20
	for i, p := range r.Problems {
		if i == most {
			fmt.Fprintf(w, "  and %d more\n", len(r.Problems)-most)
			break
		}
		fmt.Fprintf(w, "  %s: %s\n", text(cmp.Or(p.Path, p.Layer)), text(p.Reason))
	}
}

func summary(w io.Writer, r *image.Report) {
	count := map[cvss.Severity]int{}
	fixable, exploited := 0, 0
	all := rows(r)
	for _, f := range all {
		count[f.Severity]++
		if f.FixedVersion != "" {
			fixable++
		}
		if f.KEV {
			exploited++
		}
	}
	var parts []string
	for s := cvss.Critical; ; s-- {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
		if s == cvss.Unknown {
			break
		}
	}
	fmt.Fprintf(w, "\n%d %s", len(all), map[bool]string{true: "vulnerability", false: "vulnerabilities"}[len(all) == 1])
	if len(parts) > 0 {
		fmt.Fprintf(w, " (%s), %d fixable, %d known to be exploited", strings.Join(parts, ", "), fixable, exploited)
	}
	fmt.Fprintln(w)
}

// text makes what an image says harmless to a terminal.
func text(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
