package agent

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/baseline"
	"github.com/rampart-sec/rampart/internal/agent/host"
	"github.com/rampart-sec/rampart/internal/agent/report"
	"github.com/rampart-sec/rampart/internal/agent/sca"
)

// ScanReport is the result of Scan; it renders as table, JSON and SARIF.
type ScanReport = report.Report

// Scan judges the machine once by all baselines, without documents and without
// a server. It changes nothing, and nothing of the agent but its cache.
func (a *Agent) Scan(ctx context.Context) (*ScanReport, error) {
	start := time.Now()
	h := host.New(a.opts.Root, a.opts.Now(), a.cache)
	results := baseline.Evaluate(h, a.opts.Baselines)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := h.Machine()
	release, _ := h.OSRelease() // an unknown system is shown without a name
	r := &ScanReport{
		Machine:    report.Machine{Name: m.Hostname, OS: release.PrettyName, Kernel: m.Kernel},
		ObservedAt: h.Now().UTC(), Version: a.opts.Version,
	}
	if r.Machine.Name == "" {
		r.Machine.Name = a.id.Name()
	}
	for _, b := range a.opts.Baselines {
		r.Add(b, results)
	}
	for _, p := range a.opts.Policies {
		for _, res := range sca.Evaluate(ctx, h, p, sca.Options{Live: a.opts.Root == "/", Approved: a.opts.ApprovedCommands}) {
			r.AddCheck(policyCheck(p, res))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.Summary.Seconds = time.Since(start).Seconds()
	return r, nil
}

// policyCheck is a result of an SCA policy as a line of the report. Such
// policies have no severity: medium stands for all.
func policyCheck(p *sca.Policy, r sca.Result) report.Check {
	e := baseline.Evidence{Path: r.Path, Note: r.Reason}
	if r.State == sca.Fail {
		e = baseline.Evidence{Path: r.Path, Found: r.Reason}
	}
	return report.Check{
		ID: r.Check.ID, Title: r.Check.Title, Section: p.Name, Severity: baselines.Medium, State: baseline.State(r.State), Evidence: e.Clean(),
		Rationale: r.Check.Rationale, Remediation: r.Check.Remediation, References: r.Check.Compliance,
	}
}
