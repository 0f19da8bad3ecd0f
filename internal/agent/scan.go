package agent

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/agent/baseline"
	"github.com/rampart-sec/rampart/internal/agent/host"
	"github.com/rampart-sec/rampart/internal/agent/report"
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
	r.Summary.Seconds = time.Since(start).Seconds()
	return r, nil
}
