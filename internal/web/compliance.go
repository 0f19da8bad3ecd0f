package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/compliance"
	"github.com/rampart-sec/rampart/internal/store"
)

// controlMark is the state of a control for people.
func controlMark(s compliance.State) mark {
	switch s {
	case compliance.Passed:
		return mark{"ok", "ok", "Passed"}
	case compliance.Failed:
		return mark{"cross", "high", "Failed"}
	case compliance.Skipped:
		return mark{"none", "unknown", "Not assessed"}
	}
	return mark{"none", "unknown", "By hand"}
}

// standardRow is one standard with its controls counted.
type standardRow struct{ compliance.Report }

// Total is the number of its controls.
func (r standardRow) Total() int { return r.Passed + r.Failed + r.Dark() }

// Dark is the number of controls that nothing here judges.
func (r standardRow) Dark() int { return r.Skipped + r.Unsupported }

// Bar draws the controls by state.
func (r standardRow) Bar() template.HTML {
	label := number(r.Passed) + " passed, " + number(r.Failed) + " failed, " + number(r.Dark()) + " not assessed"
	return bar(label, []string{"f-ok", "f-bad", "f-na"}, []int{r.Passed, r.Failed, r.Dark()})
}

// domainRows are the controls of one domain, in the standard's order.
type domainRows struct {
	Domain string
	Rows   []compliance.Control
}

type compliancePage struct {
	*frame
	Standards []standardRow
}

type standardPage struct {
	*frame
	standardRow
	Domains   []domainRows
	Only      string // state filter, lower case, or ""
	CanAttest bool
	MaxDate   string
}

func standards(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	rows, err := v.standards()
	if err != nil {
		return page{}, err
	}
	return page{name: "compliance", data: &compliancePage{v.newFrame("Regulatory compliance", "standards"), rows}}, nil
}

func standardControls(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	report, err := v.report()
	if err != nil {
		return page{}, err
	}
	p := &standardPage{frame: v.newFrame(report.Standard.Title, "summary", "controls"), standardRow: standardRow{report}, Only: v.Get("show"),
		CanAttest: v.server.opt.Objects != nil && v.may(actionAttest, v.scope.ID), MaxDate: v.now.AddDate(1, 0, 0).Format(time.DateOnly)}
	for _, c := range report.Controls {
		if p.Only != "" && p.Only != showWord(c.State) {
			continue
		}
		i := slices.IndexFunc(p.Domains, func(d domainRows) bool { return d.Domain == c.Domain })
		if i < 0 {
			i = len(p.Domains)
			p.Domains = append(p.Domains, domainRows{Domain: c.Domain})
		}
		p.Domains[i].Rows = append(p.Domains[i].Rows, c)
	}
	return page{name: "standard", data: p}, nil
}

// showWord is a state in an address; what nothing judges is one filter.
func showWord(s compliance.State) string {
	if s == compliance.Unsupported {
		s = compliance.Skipped
	}
	return strings.ToLower(string(s))
}

// report evaluates the standard that the path names.
func (v *visit) report() (compliance.Report, error) {
	std, err := v.standard(v.PathValue("id"))
	if err != nil {
		return compliance.Report{}, err
	}
	attested, err := v.attestations()
	if err != nil {
		return compliance.Report{}, err
	}
	return compliance.Evaluate(v.view, std, v.scope, attested)
}

func (v *visit) standard(id string) (*content.Standard, error) {
	for _, std := range v.server.opt.Library.Standards {
		if std.ID == id {
			return std, nil
		}
	}
	return nil, arm.NotFound(clip(id, 100))
}

// standards evaluates every standard over the scope.
func (v *visit) standards() ([]standardRow, error) {
	attested, err := v.attestations()
	if err != nil {
		return nil, err
	}
	var rows []standardRow
	for _, std := range v.server.opt.Library.Standards {
		report, err := compliance.Evaluate(v.view, std, v.scope, attested)
		if err != nil {
			return nil, fmt.Errorf("evaluate %s: %w", std.ID, err)
		}
		rows = append(rows, standardRow{report})
	}
	return rows, nil
}

// attestations reads what people attested for exactly this scope.
func (v *visit) attestations() ([]compliance.Attestation, error) {
	if v.server.opt.Objects == nil {
		return nil, nil
	}
	objects, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: compliance.AttestationKind,
		Prefix: strings.TrimSuffix(compliance.AttestationID(v.scope.ID, "", ""), "~")})
	if err != nil {
		return nil, fmt.Errorf("read attestations: %w", err)
	}
	var found []compliance.Attestation
	for _, o := range objects {
		var a compliance.Attestation
		if err := json.Unmarshal(o.Body, &a); err != nil {
			return nil, fmt.Errorf("decode attestation %s: %w", o.ID, err)
		}
		found = append(found, a)
	}
	return found, nil
}

// attest writes a person's word on a control.
func attest(v *visit) (string, error) {
	std, err := v.standard(v.PathValue("id"))
	if err != nil {
		return "", err
	}
	if err := v.who.Allow(actionAttest, v.scope.ID); err != nil {
		return "", err
	}
	number := v.PostForm.Get("control")
	if !slices.ContainsFunc(std.Controls, func(c content.StandardControl) bool { return c.Number == number }) {
		return "", arm.NotFound(clip(number, 40))
	}
	a := compliance.Attestation{Standard: std.ID, Control: number, State: compliance.State(v.PostForm.Get("state")), By: v.who.Name, At: v.now,
		Comment: strings.TrimSpace(v.PostForm.Get("comment"))}
	if a.Expires, err = v.expiry(v.PostForm.Get("expires")); err != nil {
		return "", err
	}
	if err := a.Check(v.now); err != nil {
		return "", err
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("encode attestation: %w", err)
	}
	o := store.Object{Tenant: v.tenant, Kind: compliance.AttestationKind, ID: compliance.AttestationID(v.scope.ID, std.ID, number), Body: raw, UpdatedBy: v.who.Name}
	return v.To("/compliance/" + std.ID), v.server.opt.Objects.PutObject(v.Context(), v.who, o, "")
}

// lowest are the standards with the smallest share passed; those with nothing
// judged come last.
func lowest(rows []standardRow, limit int) []standardRow {
	share := func(r standardRow) float64 {
		if r.Passed+r.Failed == 0 {
			return 101
		}
		return r.Percent()
	}
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b standardRow) int { return cmp.Compare(share(a), share(b)) })
	return sorted[:min(limit, len(sorted))]
}

// download gives a standard's report as a file.
func download(name, mediaType string, write func(compliance.Report, http.ResponseWriter) error) streamer {
	return func(v *visit, w http.ResponseWriter) error {
		if err := v.allowScope(); err != nil {
			return err
		}
		report, err := v.report()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Content-Disposition", `attachment; filename="`+report.Standard.ID+name+`"`)
		return write(report, w)
	}
}
