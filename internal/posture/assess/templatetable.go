package assess

import (
	"fmt"
	"io"
	"strings"
)

// WriteTable writes the report for people: every finding with its reason, then
// what could not be read, then the totals.
func (r *TemplateReport) WriteTable(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-9s  %-8s  %s\n           %s\n           %s\n", f.State, f.Severity, f.Name, f.where(), f.Reason)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "not read   %s\n", strings.TrimPrefix(strings.Join([]string{p.File, p.Path, p.Reason}, ": "), ": "))
	}
	fmt.Fprintf(&b, "files %d, resources %d: %d healthy, %d unhealthy, %d known after deployment only\n",
		r.Files, r.Resources, r.Healthy, r.Unhealthy, r.Unknown)
	_, err := io.WriteString(w, b.String())
	return err
}

// where is the file and the resource without its subscription and group.
func (f TemplateFinding) where() string {
	id := f.ResourceID
	if i := strings.Index(id, "/providers/"); i >= 0 {
		id = id[i+len("/providers/"):]
	}
	return f.File + ": " + id
}
