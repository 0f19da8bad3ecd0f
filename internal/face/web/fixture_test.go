package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
	"github.com/rampart-sec/rampart/internal/posture/whatif"
)

// The fixture is a small estate written out by hand: templates are tested with
// it, without a store or an engine.
const (
	fixtureSub    = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff"
	fixtureServer = fixtureSub + "/resourceGroups/rack-2/providers/Microsoft.HybridCompute/machines/vm-build-03"
)

var (
	fixtureNow = time.Date(2026, 11, 22, 8, 14, 0, 0, time.UTC)
	ports      = &content.Control{ID: "secure-management-ports", Title: "Secure management ports", Max: 8}
	transit    = &content.Control{ID: "encrypt-in-transit", Title: "Encrypt data in transit", Max: 4}
	benchmark  = &content.Standard{ID: "benchmark", Title: "Cloud security benchmark", Version: "2"}
)

func fixtureRecommendations() []*record.Recommendation {
	sshRoot := &content.Recommendation{ID: "11111111-1111-1111-1111-111111111111", Name: "ssh-root-login", Version: "1.2.0",
		Title: "SSH should not allow root to sign in", Severity: content.Medium, Effect: "auditIfNotExists", Effort: "low",
		Description: "The SSH server's setting PermitRootLogin should be no.",
		Threat:      "Root is the one account name every attacker knows. When it may sign in over SSH, one guessed or leaked secret gives the whole server, and the log cannot tell who used it.",
		Techniques:  []string{"T1110", "T1021.004"}, Tactics: []string{"Lateral Movement"}, Standards: map[string][]string{"benchmark": {"PA-2", "IM-6"}},
		Remediation: content.Remediation{Steps: []string{"Make sure that another account may use sudo.", "Set PermitRootLogin no in /etc/ssh/sshd_config.", "Reload the SSH server."}}}
	https := &content.Recommendation{ID: "22222222-2222-2222-2222-222222222222", Name: "storage-https", Version: "1.0.0", Title: "Storage accounts should only accept requests over HTTPS",
		Severity: content.High, Effect: "audit", Effort: "low", Threat: "Whoever is on the path reads and changes what travels in clear.", Parameters: []byte(`{"effect":{},"minimumTls":{}}`)}
	return []*record.Recommendation{
		{ID: sshRoot.ID, Title: sshRoot.Title, Description: sshRoot.Description, Severity: sshRoot.Severity, Control: ports, Counted: true, Content: sshRoot, Types: []string{"Microsoft.HybridCompute/machines"}},
		{ID: https.ID, Index: 1, Title: https.Title, Severity: https.Severity, Control: transit, Counted: true, Content: https, Types: []string{"Microsoft.Storage/storageAccounts"}},
		{ID: "33333333-3333-3333-3333-333333333333", Index: 2, Title: `Names should follow <our> "rules"`, Severity: content.Low, Types: []string{"Microsoft.Compute/virtualMachines"}, Disabled: true},
	}
}

func fixtureRows() []index.RecommendationRow {
	r := fixtureRecommendations()
	return []index.RecommendationRow{
		{Recommendation: r[0], Counts: record.Counts{Healthy: 265, Unhealthy: 22, Unknown: 4, Exempt: 1, Stale: 2}, Risk: risk.Critical, Gain: 0.6, PotentialIncrease: 1.4, LastChange: fixtureNow.Add(-2 * time.Hour), Unassigned: 20, Overdue: 1, FixAvailable: true},
		{Recommendation: r[1], Counts: record.Counts{Healthy: 237, Unhealthy: 3}, Risk: risk.High, Gain: 0.1, LastChange: fixtureNow.AddDate(0, 0, -3), Unassigned: 3, FixAvailable: true},
		{Recommendation: r[2], Counts: record.Counts{Healthy: 40}},
	}
}

func fixtureFrame(t testing.TB, s *Server, target, title string, parts ...string) *frame {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	f := s.bareFrame(httptest.NewRequest(http.MethodGet, target, nil), title)
	f.address = address{path: u.Path, query: u.Query()}
	f.clock = clock{now: fixtureNow, zone: time.UTC}
	f.Nav = (&visit{address: f.address, view: nil}).fixtureNav()
	f.Scopes = []index.SubscriptionScore{{ID: fixtureSub, Name: "on-premises"}}
	f.Samples, f.Who, f.Token, f.At = true, "admin", "token", fixtureNow
	f.Parts = append([]string{"nav", "status"}, parts...)
	return f
}

// fixtureNav is nav without an index to count from.
func (v *visit) fixtureNav() []navItem {
	return []navItem{{Heading: "Security", Path: "/", Word: "Overview", Icon: "overview", Here: v.path == "/"},
		{Path: "/posture", Word: "Posture", Icon: "posture", Here: v.path == "/posture"},
		{Path: "/recommendations", Word: "Recommendations", Icon: "advice", Count: 64, Here: v.path == "/recommendations"},
		{Path: "/inventory", Word: "Inventory", Icon: "boxes", Count: 12408}}
}

func fixtureHistory() []history.HistoryPoint {
	var points []history.HistoryPoint
	for day := range 30 {
		p := 54 + float64(day)/3 + float64(day*7%5)/2
		points = append(points, history.HistoryPoint{At: fixtureNow.AddDate(0, 0, day-29), Percent: p, Current: p * 0.58, Max: 58, Low: p - 2, High: p + 3})
	}
	return points
}

func fixtureCompliance() []compliance.Point {
	var points []compliance.Point
	for i, passed := range []int{48, 52, 50, 57, 61} {
		points = append(points, compliance.Point{At: fixtureNow.AddDate(0, 0, 7*i-28), Counts: compliance.Counts{Passed: passed, Failed: 80 - passed, Unsupported: 5}})
	}
	return points
}

func fixtureControl() []compliance.Point {
	return []compliance.Point{{At: fixtureNow.AddDate(0, 0, -20), Control: compliance.Passed}, {At: fixtureNow.AddDate(0, 0, -6), Control: compliance.Failed}}
}

// fixturePages builds every page with the fixture's data, by address.
func fixturePages(t testing.TB, s *Server) map[string]page {
	rows, advice := fixtureRows(), fixtureRecommendations()
	c := clock{now: fixtureNow, zone: time.UTC}
	score := index.Score{Current: 37.2, Max: 58, Percent: 64.1, Low: 60.2, High: 68.4, Known: 812, Applicable: 860, Weight: 12408}
	controls := []index.ControlScore{
		{Control: ports, Current: 5.1, Max: 8, Healthy: 265, Unhealthy: 22, Unknown: 4, PotentialIncrease: 2.9, LeftOnResource: 1, ChecksOnResource: 4},
		{Control: transit, Current: 3.9, Max: 4, Healthy: 237, Unhealthy: 3, PotentialIncrease: 0.1, ChecksOnResource: 2},
	}
	resourceRow := index.ResourceRow{ID: fixtureServer, Name: "vm-build-03", Type: "Microsoft.HybridCompute/machines", Location: "rack-2", Source: "agent",
		Tags: map[string]string{"env": "prod", "team": "build"}, ObservedAt: fixtureNow.Add(-2 * time.Minute), Counts: record.Counts{Healthy: 61, Unhealthy: 2, Unknown: 1}, Worst: content.Medium}
	bad := record.Assessment{ResourceID: fixtureServer, ResourceName: "vm-build-03", ResourceType: "Microsoft.HybridCompute/machines", Recommendation: advice[0], State: record.Unhealthy,
		Since: fixtureNow.Add(-2 * time.Hour), ObservedAt: fixtureNow.Add(-2 * time.Minute), Risk: risk.High, RiskFactors: []string{"reachable from the internet"}, Status: governance.OnTime, Assigned: governance.Assignment{ID: fixtureSub + "/providers/Microsoft.Security/governanceRules/r", Rule: "High in a week", Owner: "build team", Made: fixtureNow.AddDate(0, 0, -3), Due: fixtureNow.AddDate(0, 0, 4),
			Promise: governance.Promise{ETA: fixtureNow.AddDate(0, 0, 9), Justification: "The vendor ships then.", PromisedBy: "build team"}}}
	dark := bad
	dark.Recommendation, dark.State, dark.Reason, dark.RiskFactors, dark.Risk = advice[1], record.Unknown, "properties.networkAcls", nil, 0
	dark.Status, dark.Assigned = governance.NoTask, governance.Assignment{}
	// What a hostile or careless owner may call things: markup, no place to break
	// a line, another direction, more and longer tags than fit.
	odd := resourceRow
	odd.Name, odd.ID = strings.Repeat("a", 200), fixtureSub+"/resourceGroups/"+strings.Repeat("g", 90)+"/providers/Microsoft.Storage/storageAccounts/"+strings.Repeat("a", 200)
	odd.Type, odd.Tags = "Microsoft.Storage/storageAccounts", map[string]string{"<our>": strings.Repeat("x", 256), `a"b`: "\u202egpj.exe", "team": "build"}
	turned := odd
	turned.Name, turned.ID = "\u202e<our> gpj.exe", fixtureSub+"/resourceGroups/rack-2/providers/Microsoft.Storage/storageAccounts/turned"
	oddBad := bad
	oddBad.ResourceID, oddBad.ResourceName, oddBad.ResourceType = odd.ID, odd.Name, odd.Type
	evidence := []planning.EvidenceLine{{Path: "properties.checks.ssh-root-login.value", Found: `"yes"`, Wanted: `"no"`, Operator: "equals", Note: "/etc/ssh/sshd_config line 34"}}
	moved := []change{
		{history.ScoreChange{At: fixtureNow.Add(-3 * time.Hour), Recommendation: advice[1], ResourceID: fixtureServer, From: record.Unhealthy, To: record.Healthy, Cause: "resource changed", Delta: 0.3}, []string{fixtureServer, fixtureServer + "x"}},
		{history.ScoreChange{At: fixtureNow.Add(-5 * time.Hour), Recommendation: advice[0], ResourceID: fixtureServer, From: record.Healthy, To: record.Unhealthy, Cause: "resource changed", Delta: -0.2}, []string{fixtureServer}},
		{history.ScoreChange{At: fixtureNow.Add(-6 * time.Hour), ResourceID: fixtureServer + "-old", Gone: true, Cause: "left the scope", Delta: 0.1}, []string{fixtureServer + "-old"}},
	}
	std := standardRow{Report: compliance.Report{Standard: &compliance.Standard{Standard: benchmark, Kind: compliance.BuiltIn}, Counts: compliance.Counts{Passed: 61, Failed: 19, Unsupported: 5}, Controls: []compliance.Control{
		{StandardControl: content.StandardControl{Number: "PA-2", Domain: "Privileged access", Title: "No standing access for administrators"}, State: compliance.Failed,
			Assessments: []compliance.Assessment{{Recommendation: advice[0], Counts: rows[0].Counts, State: compliance.Failed}}},
		{StandardControl: content.StandardControl{Number: "GS-1", Domain: "Governance", Title: "Roles are written down", Manual: true}, State: compliance.Unsupported},
		{StandardControl: content.StandardControl{Number: "GS (2)", Domain: "Governance", Title: "Plans are tried out", Manual: true}, State: compliance.Passed,
			Attestation: &compliance.Attestation{State: compliance.Passed, By: "ana", At: fixtureNow.AddDate(0, -1, 0), Expires: fixtureNow.AddDate(0, 5, 0), Comment: `Tried on <our> own "spare" site.`,
				Evidence: &compliance.Evidence{Name: "minutes of March.pdf", Type: "application/pdf", Size: 182044, SHA256: strings.Repeat("0a1b2c3d", 8)}}},
		{StandardControl: content.StandardControl{Number: "GS-3", Domain: "Governance", Title: "People are trained", Manual: true}, State: compliance.Unsupported,
			Expired: &compliance.Attestation{State: compliance.Passed, By: "ben", At: fixtureNow.AddDate(-1, 0, 0), Expires: fixtureNow.AddDate(0, 0, -3)}}}},
		Trend: newComplianceTrend(fixtureCompliance(), c)}
	own := standardRow{Report: compliance.Report{Standard: &compliance.Standard{Kind: compliance.Own, ETag: "1", Source: "/providers/Microsoft.Security/securityStandards/house-rules", Standard: &content.Standard{ID: "house-rules", Name: "house-rules",
		Title: `House <our> "rules"`, Version: "3", Description: "What we promised ourselves.", Controls: []content.StandardControl{{Number: "H-1", Domain: "Machines", Title: "Root stays out", Recommendations: []string{advice[0].ID}}, {Number: "H-2", Title: "Read by a person", Manual: true}}}}}}
	menu := viewMenu{Query: "state=unhealthy", CanSave: true, CanShare: true, CanEdit: true, Changed: true, Tabs: []viewTab{{savedView{Name: "Payroll, unhealthy", Owner: "ana", Shared: true, ETag: "1"}, "/inventory?q=payroll&saved=1", true}, {savedView{Name: `Mine <our> "view"`}, "/inventory?q=mine&saved=2", false}}}
	menu.Current, menu.More = &menu.Tabs[0].savedView, []viewTab{{savedView{Name: "One of many"}, "/inventory?q=many", false}}
	fix := &planning.Fix{Before: "PermitRootLogin yes", After: "PermitRootLogin no", Shell: "sed -i 's/^PermitRootLogin.*/PermitRootLogin no/' /etc/ssh/sshd_config\nsystemctl reload ssh", GainPoints: 0.1}
	sub := subscriptionRow{index.SubscriptionScore{ID: fixtureSub, Name: "on-premises", Score: score}, true, 331}
	pages := map[string]page{}
	add := func(target, name string, make func(f *frame) any) {
		pages[target] = page{name: name, data: make(fixtureFrame(t, s, target, name, "main"))}
	}
	add("/", "overview", func(f *frame) any {
		p := &overviewPage{frame: f, Score: score, Ring: newRing(score), Trend: newTrend(fixtureHistory(), c), Resources: 12408, Unknown: 48, Open: 64, Severity: []severityCount{{content.High, 20}, {content.Medium, 30}, {content.Low, 14}},
			Needs: []need{{Title: advice[1].Title, Detail: "new since 2 h ago on stpayroll01", URL: "/", Mark: severityMark(content.High)},
				{Title: advice[0].Title, Detail: openDetail(rows[0]), URL: "/", Mark: riskMark(risk.Critical)}},
			Coverage: []coverage{{"Microsoft.HybridCompute/machines", 318, 331}, {"Microsoft.Storage/storageAccounts", 240, 240}},
			Stalest:  []index.ResourceRow{resourceRow}, Controls: controls, news: news{Changes: moved, First: 3, FirstDelta: 0.4}, Standards: []standardRow{std}}
		for _, r := range rows[:2] {
			p.Steps = append(p.Steps, step{PlanStep: planning.PlanStep{RecommendationRow: r, Gain: r.Gain, Effort: "low"}})
		}
		p.Headline = headline(p)
		return p
	})
	add("/posture", "posture", func(f *frame) any {
		return &posturePageData{frame: f, Score: score, Ring: newRing(score), Days: 30, Spans: trendDays, Trend: newTrend(fixtureHistory(), c), Controls: controls,
			Subscriptions: []index.SubscriptionScore{sub.SubscriptionScore}, news: news{Changes: moved}, Before: 54, Delta: 10.1, HasDelta: true, Tags: []string{"env", "team"}}
	})
	chips := (&visit{address: address{path: "/recommendations", query: url.Values{"state": {"unhealthy"}}}}).stateChips()
	sevs := (&visit{address: address{path: "/recommendations"}}).severityChips()
	tasks := (&visit{address: address{path: "/recommendations"}}).taskChips(index.TaskCounts{Unassigned: 23, OnTime: 15, Overdue: 4, Completed: 31})
	types := []index.TypeCount{{Type: "Microsoft.HybridCompute/machines", N: 331}, {Type: "Microsoft.Storage/storageAccounts", N: 240}}
	add("/recommendations?state=unhealthy", "recommendations", func(f *frame) any {
		return &recommendationsPage{frame: f, Rows: rows, Pager: pager{From: 1, To: 3, Total: 64, Next: "/recommendations?after=x"}, States: chips, Severity: sevs, Tasks: tasks, Types: types, Controls: []*content.Control{ports, transit}, Filtered: true, CSV: "/recommendations.csv"}
	})
	add("/recommendations?view=control", "recommendations", func(f *frame) any {
		return &recommendationsPage{frame: f, Rows: rows, Grouped: true, Groups: groupByControl(rows, controls), Pager: pager{From: 1, To: 3, Total: 3}, States: chips, Severity: sevs, Tasks: tasks, Types: types, CSV: "/recommendations.csv"}
	})
	add("/recommendation?id=11111111-1111-1111-1111-111111111111", "recommendation", func(f *frame) any {
		p := &recommendationPage{frame: f, Requests: []exemptionRow{{Object: store.Object{ID: fixtureServer + "/r"}, Note: "The old client cannot do better.", Category: "Waiver", Scope: fixtureServer, CanDecide: true, CanEnd: true,
			Record: exemption.Record{State: "requested", RequestedBy: "dev", RequestedAt: fixtureNow.Add(-time.Hour), Ticket: "SEC-7"}}},
			R: rows[0], State: record.Unhealthy, Pager: pager{From: 1, To: 2, Total: 22, Next: "/"}, Fix: fix, FixOn: bad,
			Sums:      []findingSum{{FindingCount: judge.FindingCount{Finding: &finding.Finding{ID: "CVE-2024-3094/xz-utils", Title: "Backdoor in xz", Severity: content.Critical}, Resources: 12, Disabled: 3}, Open: "/inventory", Off: "/inventory", Disable: "/disable"}},
			Standards: []standardRef{{benchmark, []string{"PA-2", "IM-6"}}}, CanExempt: true, CanAssign: true, CanSwitch: true,
			Rows: []evidenceRow{{Assessment: bad, Found: evidence}, {Assessment: oddBad, Found: evidence}, {Assessment: bad, Found: []planning.EvidenceLine{{File: "/etc/ssh/sshd_config line 34", Found: "yes", Wanted: "no"}}}}}
		for _, st := range []record.State{record.Unhealthy, record.Unknown, record.Healthy, record.Exempt} {
			p.Tasks = tasks
			p.States = append(p.States, filterChip{Value: st.String(), Word: stateMark(st).Word, N: 22, On: st == record.Unhealthy, URL: "/"})
		}
		return p
	})
	add("/resource?id="+fixtureServer, "resource", func(f *frame) any {
		f.Title = "vm-build-03"
		return &resourcePage{frame: f, R: resourceRow, ID: arm.MustParseID(fixtureServer), Score: score, Controls: []resourceControl{{controls[0]}, {controls[1]}},
			Open: []evidenceRow{{Assessment: bad, Found: evidence}, {Assessment: dark}}, Good: []record.Assessment{{Recommendation: advice[2], State: record.Healthy}},
			Findings: []findingGroup{newFindingGroup(advice[0], []findingRow{
				{Finding: judge.Finding{ID: "c1", Title: "Core dumps of setuid programs are off", State: record.Unhealthy, Severity: content.Low, Evidence: "fs.suid_dumpable = 2; wanted 0", Description: "A core dump may hold secrets.", Remediation: "Set fs.suid_dumpable = 0."}, Elsewhere: "/inventory?finding=c1", Disable: "/disable?finding=c1"},
				{Finding: judge.Finding{ID: "c3", Title: "USB storage is off", State: record.Exempt, Severity: content.Medium, Disabled: &judge.Disabled{Name: "usb", Reason: "Backups go to a <drive>."}}, Until: "20 Feb 2027"},
				{Finding: judge.Finding{ID: "c2", Title: "The audit daemon runs", State: record.Healthy, Severity: content.Medium, Evidence: "auditd active"}}})},
			Children: []store.Resource{{Doc: wire.Document{ID: fixtureServer + "/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/RampartBaseline", Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", ObservedAt: fixtureNow}}},
			Document: "{\n  \"id\": \"<script>alert(1)</script>\"\n}", Unavailable: []missingPath{{"properties.shadow", "needs root"}}, Changes: moved, Tags: []tagPair{{"env", "prod"}}, CanExempt: true}
	})
	add("/inventory?type=Microsoft.HybridCompute/machines", "inventory", func(f *frame) any {
		return &inventoryPage{frame: f, Rows: []index.ResourceRow{resourceRow, odd, turned}, Pager: pager{From: 1, To: 3, Total: 3}, States: chips, Types: types, Tags: []string{"env"}, Filtered: true, CSV: "/inventory.csv", Views: menu}
	})
	add("/compliance", "compliance", func(f *frame) any {
		return &compliancePage{frame: f, Standards: []standardRow{std, own}, Recorded: true, Days: 30, Spans: trendDays, CanCreate: true}
	})
	add("/compliance/benchmark", "standard", func(f *frame) any {
		p := &standardPage{frame: f, standardRow: std, CanAttest: true, Recorded: true, Days: 30, Spans: trendDays, Today: "2026-11-22", MaxDate: "2027-11-22", Accept: compliance.EvidenceTypes, Applies: true}
		p.Chosen = &controlTrend{Number: "PA-2", Title: "No standing access for administrators", Points: fixtureControl(), Strip: strip(fixtureControl(), c)}
		p.group()
		return p
	})
	add("/compliance/new", "standardnew", func(f *frame) any {
		return &newStandardPage{frame: f, Root: true, Places: []standardPlace{{fixtureSub, "on-premises"}}}
	})
	add("/compliance/house-rules/edit", "standardedit", func(f *frame) any {
		return &editStandardPage{frame: f, Standard: own.Standard, Place: "Whole estate"}
	})
	add("/compliance/house-rules/control?number=H-1", "standardcontrol", func(f *frame) any {
		return &controlPage{frame: f, Standard: own.Standard, Control: own.Standard.Controls[0], Serving: advice[:1], Found: advice[1:], More: 4, Text: "storage", Domains: []string{"Machines"}}
	})
	add("/assessments?state=unhealthy", "assessments", func(f *frame) any {
		return &assessmentsPage{frame: f, Rows: []record.Assessment{bad, dark, oddBad}, Pager: pager{From: 1, To: 3, Total: 3}, States: chips, Severity: sevs, Tasks: tasks, Types: types, Controls: []*content.Control{ports, transit}, Filtered: true, CSV: "/assessments.csv", Views: menu}
	})
	add("/policies", "policies", func(f *frame) any {
		return &policiesPage{frame: f, Members: []memberRow{newMember(advice[0]), newMember(advice[1])}, Total: 262, Pager: pager{From: 1, To: 2, Total: 262, Next: "/policies?after=x#members"}, Disabled: 1, CanWrite: true, CanExempt: true, Readable: true,
			Assignments: []policyObject{{Title: "SecurityCenterBuiltIn", Scope: fixtureSub, Target: InitiativeID, Category: "Security Center"}},
			Waiting:     1, Exemptions: []exemptionRow{
				{Object: store.Object{ID: fixtureServer + "/r"}, Title: "Old client", Category: "Waiver", Note: "The old client <cannot> do better.", Scope: fixtureServer, Recommendations: advice[1:2], CanDecide: true, CanEnd: true,
					Record: exemption.Record{State: "requested", RequestedBy: "dev", Ticket: "SEC-7", ReopenOnChange: true}, Narrowed: "Virtual machines in westeurope"},
				{Title: "Bastion", Category: "Mitigated", Note: "Behind the bastion.", Scope: fixtureServer, Expires: fixtureNow.AddDate(0, 1, 0), Recommendations: advice[:1], Reopened: 3, CanEnd: true,
					Record: exemption.Record{State: "approved", RequestedBy: "dev", ApprovedBy: "admin", ReopenOnChange: true}}},
			Rules: []ruleRow{{Rule: &finding.Rule{ID: "r", Name: "Backdoor in xz", Reason: "Not reachable.", Expires: fixtureNow.AddDate(0, 1, 0)}, Scope: fixtureSub, Recommendation: advice[0], CanEnd: true},
				{Rule: &finding.Rule{Name: "old"}, Scope: fixtureServer, Broken: "properties.conditions: at least one is needed", Gone: true}}}
	})
	add("/disable?finding=x", "disable", func(f *frame) any {
		return &disablePage{frame: f, R: advice[0], Finding: "CVE-2024-3094/xz-utils", What: "Backdoor in xz", Resource: fixtureServer, Where: fixtureSub, MinDate: "2026-11-22", DefaultDate: "2027-02-20",
			Places: []scopeChoice{{"vm-build-03", "/disable?at=x", false}, {"Subscription on-premises", "/disable?at=y", true}},
			Effect: judge.RuleEffect{Findings: 14, Resources: 12, Tried: true, Before: score, After: index.Score{Percent: 64.9}, Changes: []record.Assessment{bad, bad}}}
	})
	add("/settings", "settings", func(f *frame) any {
		f.Remove = true
		return &settingsPage{frame: f, Subscriptions: []subscriptionRow{sub}, Chosen: &sub, PlansHere: true, CanPlan: true, Agents: []index.ResourceRow{resourceRow}, AgentTotal: 1, Rules: &exemption.Rules{ApprovalRequired: true}, CanRule: true,
			Plans: []PlanState{{Name: "VirtualMachines", Title: "Servers", Tier: "Standard", TrialRemaining: 20 * 24 * time.Hour, InTrial: true}, {Name: "StorageAccounts", Title: "Storage", Tier: "Free", TrialRemaining: 30 * 24 * time.Hour, Untried: true}, {Name: "KeyVaults", Title: "Key Vault", Tier: "Free", TrialRemaining: 3 * 24 * time.Hour}, {Name: "FoundationalCspm", Title: "Foundational posture", Tier: "Free", AlwaysFree: true}}}
	})
	add("/governance", "governance", func(f *frame) any {
		high, err := governance.ParseRule(bad.Assigned.ID, []byte(`{"properties":{"displayName":"High in a week","rulePriority":10,"isGracePeriod":true,"remediationTimeframe":"7.00:00:00","ownerSource":{"type":"ByTag","value":"owner"},"conditionSets":[{"conditions":[]}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		return &governanceData{frame: f, Tasks: tasks, Severities: severities, CSV: "/governance.csv", CanWrite: true, Readable: true,
			Rows: []workRow{
				{Workload: index.Workload{TaskCounts: index.TaskCounts{OnTime: 11, Overdue: 3, Completed: 29}, RuleID: high.ID, Rule: high.Name, Owner: "build team"}},
				{Workload: index.Workload{TaskCounts: index.TaskCounts{Unassigned: 2}, RuleID: high.ID, Rule: high.Name, Owner: "lea@example.org", Gone: true}},
				{Workload: index.Workload{TaskCounts: index.TaskCounts{Unassigned: 1}, RuleID: high.ID, Rule: high.Name}},
				{Workload: index.Workload{TaskCounts: index.TaskCounts{OnTime: 4, Overdue: 1, Completed: 2}, RuleID: high.ID + "2", Rule: "Payroll", Deleted: true, Owner: "ana@example.org"}},
				{Workload: index.Workload{TaskCounts: index.TaskCounts{Completed: 1}, ByHand: true, Owner: "bo@example.org"}},
				{Workload: index.Workload{TaskCounts: index.TaskCounts{Unassigned: 20}}}},
			Rules: []governanceRow{{high, "dana", true}}}
	})
	add("/assign?id=1", "assign", func(f *frame) any {
		e, _ := ownership.EntryOf("", &bad)
		return &assignPage{frame: f, R: advice[0], A: bad, Task: taskView{bad}, Entry: e, CanAssign: true, CanPromise: true, MinDate: "2026-11-22", Back: "/recommendation?id=1"}
	})
	add("/fix-plan", "plan", func(f *frame) any {
		p := &planPage{frame: f, Spans: planSpans, N: 10, All: "/what-if?fix=1&fix=2", Sum: 0.7}
		p.Steps = []planStep{{step{PlanStep: planning.PlanStep{RecommendationRow: rows[0], Gain: 0.6, Effort: "low"}}, 0.6}, {step{PlanStep: planning.PlanStep{RecommendationRow: rows[1], Effort: "moderate"}, With: 0.1}, 0.6}}
		return p
	})
	choices := []ifChoice{{RecommendationRow: rows[0], Fixed: true}, {RecommendationRow: rows[1]}}
	add("/what-if", "whatif", func(f *frame) any { return &whatIfPage{frame: f, Choices: choices} })
	add("/what-if?fix=1", "whatif", func(f *frame) any {
		better := controls[0]
		better.Current, better.Healthy, better.Unhealthy = 8, 287, 0
		risky := index.ResourceRow{ID: odd.ID}
		return &whatIfPage{frame: f, On: fixtureServer, Choices: choices, Fixed: []string{advice[0].Title}, Text: `{"id": "<our>"}`, Report: &whatif.Report{
			Before: score, After: index.Score{Current: 40.1, Max: 58, Percent: 69.1}, Controls: []whatif.Control{{Before: controls[0], After: better}, {Before: controls[1], After: controls[1]}},
			Flips: []record.Assessment{bad}, Recommendations: []whatif.Recommendation{{Recommendation: advice[0], Before: rows[0].Counts, After: record.Counts{Healthy: 287}, Flips: 22}},
			Standards: []whatif.Standard{{Standard: std.Standard, Before: std.Counts, After: compliance.Counts{Passed: 62, Failed: 18}, Controls: []whatif.ControlState{{Number: "PA-2", From: compliance.Failed, To: compliance.Passed}}}},
			Unhealthy: []whatif.Resource{{ID: risky.ID, Name: odd.Name, Type: odd.Type, New: true, Open: []record.Assessment{oddBad}}, {ID: bad.ResourceID, Name: bad.ResourceName, Type: bad.ResourceType, Open: []record.Assessment{bad, dark}}},
			Tried:     3, Rejected: []whatif.Rejection{{Line: 12, ID: odd.ID, Reason: `it has no <our> "id"`}, {Reason: strings.Repeat("x", 400)}}, RejectedTotal: 2}}
	})
	add("/search?q=vm", "search", func(f *frame) any {
		return &searchPage{frame: f, Text: "vm", Resources: []index.ResourceRow{resourceRow, odd, turned}, Recommendations: rows, MoreAdvice: 3}
	})
	add("/exempt?id=1", "exempt", func(f *frame) any {
		return &exemptPage{frame: f, R: advice[0], Target: fixtureServer, Given: []judge.AssignmentSource{{AssignmentID: "a"}, {AssignmentID: "b"}}, MustAsk: true, Narrowable: true, Types: []string{"Microsoft.HybridCompute/machines", "Microsoft.Compute/virtualMachines"}, Narrow: narrowing{Locations: []string{"rack-2"}},
			Preview: planning.ExemptPreview{Count: 1, Before: score, After: index.Score{Percent: 64.4}, Tried: true}, MinDate: "2026-11-22", DefaultDate: "2027-02-20"}
	})
	return pages
}

func fixtureServerOf(t testing.TB) *Server {
	t.Helper()
	pages, err := parseTemplates()
	if err != nil {
		t.Fatal(err)
	}
	files, err := embedded.ReadDir("assets")
	if err != nil || len(files) == 0 {
		t.Fatalf("embedded assets: %v, %d files", err, len(files))
	}
	a, err := loadAssets(subAssets(t))
	if err != nil {
		t.Fatal(err)
	}
	return &Server{opt: Options{Now: func() time.Time { return fixtureNow }, Log: slog.New(slog.DiscardHandler), Version: "test"}, secret: []byte("k"), assets: a, pages: pages, streams: make(chan struct{}, 1)}
}

// fixtureHandler serves the fixture's pages at their addresses.
func fixtureHandler(t testing.TB, s *Server) http.Handler {
	pages := fixturePages(t, s)
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", s.assets)
	mux.Handle("GET /favicon.ico", http.RedirectHandler(s.assets.names["icon.svg"], http.StatusFound))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		p, ok := pages[r.URL.RequestURI()]
		if !ok {
			s.fail(w, r, fmt.Errorf("no fixture for %s", r.URL.RequestURI()))
			return
		}
		s.render(w, r, p)
	})
	return guard(mux)
}
