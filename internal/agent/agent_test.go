package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/baseline"
	"github.com/rampart-sec/rampart/internal/agent/host"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

const machineID = "/subscriptions/8a1c3d52-0c8e-4a8e-9f0e-2f6b1d7c4e10/resourceGroups/cellar/providers/Microsoft.HybridCompute/machines/web01"

var instant = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// documents is how many documents a machine has.
const documents = 13

// sample is a small machine with an open SSH server.
var sample = map[string]string{
	"etc/os-release":       "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
	"etc/hostname":         "web01\n",
	"etc/machine-id":       "0123456789abcdef0123456789abcdef\n",
	"etc/passwd":           "root:x:0:0::/root:/bin/bash\nbob:x:1000:1000::/home/bob:/bin/bash\n",
	"etc/group":            "root:x:0:\nsudo:x:27:bob\n",
	"etc/shadow":           "root:$6$salt$verysecrethash:1:0:99999:7:::\nbob::1:0:99999:7:::\n",
	"etc/ssh/sshd_config":  "PermitRootLogin yes\n",
	"var/lib/dpkg/status":  "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\nArchitecture: amd64\n\n",
	"proc/sys/kernel/arch": "x86_64\n",
	"proc/net/tcp":         "head\n 0: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 7\n",
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	p := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sampleAgent is an agent of the sample machine, and its root.
func sampleAgent(t *testing.T) (*Agent, string) {
	t.Helper()
	root := t.TempDir()
	for name, text := range sample {
		write(t, root, name, text)
	}
	all, err := baselines.Load()
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{
		Root: root, MachineID: machineID, Baselines: all, Version: "1.2.3",
		Now: func() time.Time { return instant }, PollInterval: time.Hour, Debounce: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, root
}

func collect(t *testing.T, a *Agent) map[string]wire.Document {
	t.Helper()
	docs, err := a.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]wire.Document{}
	for _, d := range docs {
		byName[d.ID[strings.LastIndexByte(d.ID, '/')+1:]] = d
	}
	return byName
}

func TestNewRefuses(t *testing.T) {
	for _, id := range []string{"", "web01", "/subscriptions/x", machineID + "/extensions/x", "/providers/Microsoft.HybridCompute/machines/x"} {
		if _, err := New(Options{MachineID: id}); err == nil {
			t.Errorf("machine id %q was taken", id)
		}
	}
}

func TestCollectGivesWellFormedDocuments(t *testing.T) {
	a, _ := sampleAgent(t)
	docs := collect(t, a)
	names := []string{"web01", AssignmentName, "packages", "ports", "users", "services", "mounts", "firewall", "updates", "sshd", "sysctl", "encryption", "audit"}
	for _, name := range names {
		d, ok := docs[name]
		if !ok {
			t.Errorf("there is no document %s", name)
			continue
		}
		id, err := arm.ParseID(d.ID)
		if err != nil || id.Type() != d.Type || id.Root().String() != machineID {
			t.Errorf("%s: id of type %s, root %s, %v", d.ID, id.Type(), id.Root(), err)
		}
		var b struct{ ID, Name, Type string }
		if err := json.Unmarshal(d.Body, &b); err != nil || b.ID != d.ID || b.Type != d.Type || b.Name != name {
			t.Errorf("%s: body says %+v, %v", name, b, err)
		}
		if d.Source != "agent" || d.SourceVersion == 0 || !d.ObservedAt.Equal(instant) || len(d.Unavailable) > wire.MaxUnavailable {
			t.Errorf("%s: envelope %+v", name, d)
		}
	}
	if len(docs) != documents || len(names) != documents {
		t.Errorf("%d documents, %d names; want %d", len(docs), len(names), documents)
	}
}

func TestSecretsStay(t *testing.T) {
	a, _ := sampleAgent(t)
	for name, d := range collect(t, a) {
		for _, secret := range []string{"verysecrethash", "$6$", "0123456789abcdef"} {
			if strings.Contains(string(d.Body), secret) || strings.Contains(strings.Join(d.Unavailable, " "), secret) {
				t.Errorf("document %s holds %q", name, secret)
			}
		}
	}
}

func TestMachineDocument(t *testing.T) {
	a, _ := sampleAgent(t)
	var got struct {
		Location   string
		Properties machineProperties
	}
	if err := json.Unmarshal(collect(t, a)["web01"].Body, &got); err != nil {
		t.Fatal(err)
	}
	p := got.Properties
	if p.DisplayName != "web01" || p.OSName != "linux" || p.OSSKU != "Debian GNU/Linux 12" || p.OSVersion != "12" ||
		p.Status != "Connected" || p.AgentVersion != "1.2.3" || p.DetectedProperties.Family != "debian" || got.Location != "global" {
		t.Errorf("machine %+v", got)
	}
	if len(p.VMID) != 36 {
		t.Errorf("vmId %q is not a GUID", p.VMID)
	}
}

// assignmentOf decodes the results of the baselines.
func assignmentOf(t *testing.T, d wire.Document) assignmentProperties {
	t.Helper()
	var b struct{ Properties assignmentProperties }
	if err := json.Unmarshal(d.Body, &b); err != nil {
		t.Fatal(err)
	}
	return b.Properties
}

func TestAssignment(t *testing.T) {
	a, root := sampleAgent(t)
	d := collect(t, a)[AssignmentName]
	p := assignmentOf(t, d)
	root0 := p.Checks["ssh-permit-root-login"]
	want := baseline.Evidence{Path: "/etc/ssh/sshd_config", Line: 1, Found: "PermitRootLogin yes", Wanted: "no"}
	if root0.State != baseline.Fail || root0.Evidence != want {
		t.Errorf("root log-in: %+v", root0)
	}
	if got := p.Checks["accounts-no-empty-passwords"]; got.State != baseline.Fail || got.Evidence.Found != "bob" {
		t.Errorf("empty passwords: %+v", got)
	}
	b := p.Baseline
	if b.State != "fail" || p.ComplianceStatus != "NonCompliant" || b.Total != b.Passed+b.Failed+b.Unknown+b.NotApplicable || b.Total != len(p.Checks) {
		t.Errorf("summary %+v, %s, %d checks", b, p.ComplianceStatus, len(p.Checks))
	}
	// the sample has no list of updates: unknown, and named
	declared := slices.ContainsFunc(d.Unavailable, func(u string) bool {
		return strings.HasPrefix(u, "properties.checks.updates-security.state /var/lib/apt/lists")
	})
	if p.Checks["updates-security"].State != baseline.Unknown || !declared {
		t.Errorf("updates %+v, unavailable %q", p.Checks["updates-security"], d.Unavailable)
	}
	write(t, root, "etc/ssh/sshd_config", "PermitRootLogin no\n")
	if got := assignmentOf(t, collect(t, a)[AssignmentName]).Checks["ssh-permit-root-login"].State; got != baseline.Pass {
		t.Errorf("after the change the check is %s", got)
	}
}

func TestSummary(t *testing.T) {
	result := func(s baseline.State, severity baselines.Severity, recommended bool) baseline.Result {
		return baseline.Result{Check: &baselines.Check{Severity: severity, Recommended: recommended}, State: s}
	}
	tests := []struct {
		name    string
		results []baseline.Result
		want    string
	}{
		{"pass", []baseline.Result{result(baseline.Pass, baselines.High, false)}, "pass"},
		{"medium-fails", []baseline.Result{result(baseline.Fail, baselines.Medium, false), result(baseline.Unknown, baselines.High, false)}, "fail"},
		{"low-does-not-count", []baseline.Result{result(baseline.Fail, baselines.Low, false)}, "pass"},
		{"own-recommendation-does-not-count", []baseline.Result{result(baseline.Fail, baselines.High, true)}, "pass"},
		{"unknown", []baseline.Result{result(baseline.Pass, baselines.High, false), result(baseline.Unknown, baselines.High, false)}, "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := summarize(tt.results).State; got != tt.want {
				t.Errorf("%s; want %s", got, tt.want)
			}
		})
	}
}

func TestVersionsRiseWhenTheClockFalls(t *testing.T) {
	a, _ := sampleAgent(t)
	first := collect(t, a)["web01"].SourceVersion
	a.opts.Now = func() time.Time { return instant.Add(-24 * time.Hour) }
	if second := collect(t, a)["web01"].SourceVersion; second <= first {
		t.Errorf("version %d after %d", second, first)
	}
	restarted, err := New(Options{Root: t.TempDir(), MachineID: machineID, MinVersion: first + 1, Now: a.opts.Now})
	if err != nil {
		t.Fatal(err)
	}
	if third := collect(t, restarted)["web01"].SourceVersion; third <= first+1 {
		t.Errorf("version %d after a restart; the server has %d", third, first+1)
	}
}

func TestRoundOffersAgainWhatWasNotTaken(t *testing.T) {
	a, _ := sampleAgent(t)
	sent := delivered{}
	broken := errors.New("server away")
	if err := a.round(t.Context(), sent, func(context.Context, []wire.Document) error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	var counts []int
	for range 2 {
		err := a.round(t.Context(), sent, func(_ context.Context, docs []wire.Document) error {
			counts = append(counts, len(docs))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(counts, []int{documents}) {
		t.Errorf("deliveries of %v documents; want all once", counts)
	}
}

// running runs an agent and gives its deliveries.
func running(t *testing.T, a *Agent) <-chan []wire.Document {
	t.Helper()
	out := make(chan []wire.Document)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- a.Run(ctx, func(ctx context.Context, docs []wire.Document) error {
			select {
			case out <- docs:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("run ended with %v", err)
		}
	})
	return out
}

// awaitState waits for a delivery in which a check has a state, and wants it
// to hold nothing that has not changed.
func awaitState(t *testing.T, out <-chan []wire.Document, check string, want baseline.State) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case docs := <-out:
			if len(docs) > 2 {
				t.Errorf("%d documents were delivered; at most the results and one fact have changed", len(docs))
			}
			for _, d := range docs {
				if d.Type == "Microsoft.GuestConfiguration/guestConfigurationAssignments" && assignmentOf(t, d).Checks[check].State == want {
					return
				}
			}
		case <-deadline:
			t.Fatalf("check %s did not become %s", check, want)
		}
	}
}

func TestRunNoticesChanges(t *testing.T) {
	a, root := sampleAgent(t)
	out := running(t, a)
	if first := <-out; len(first) != documents {
		t.Fatalf("%d documents at first; want %d", len(first), documents)
	}
	const check = "ssh-permit-root-login"
	begin := time.Now()
	write(t, root, "etc/ssh/sshd_config", "PermitRootLogin no\n")
	awaitState(t, out, check, baseline.Pass)
	t.Logf("written in place: %s", time.Since(begin))

	// editors write beside the file and rename
	write(t, root, "etc/ssh/.sshd_config.new", "Include sshd_config.d/*.conf\nPermitRootLogin yes\n")
	if err := os.Rename(filepath.Join(root, "etc/ssh/.sshd_config.new"), filepath.Join(root, "etc/ssh/sshd_config")); err != nil {
		t.Fatal(err)
	}
	awaitState(t, out, check, baseline.Fail)

	// a directory that did not exist, and a file in it
	write(t, root, "etc/ssh/sshd_config.d/10.conf", "PermitRootLogin no\n")
	awaitState(t, out, check, baseline.Pass)
	if err := os.Remove(filepath.Join(root, "etc/ssh/sshd_config.d/10.conf")); err != nil {
		t.Fatal(err)
	}
	awaitState(t, out, check, baseline.Fail)

	write(t, root, "proc/sys/kernel/randomize_va_space", "0\n")
	awaitState(t, out, "kernel-aslr", baseline.Fail)
}

func TestInterest(t *testing.T) {
	in := interest{}
	in.add(host.Touch{Path: "/etc/a", Read: true})
	in.add(host.Touch{Path: "/var/log/auth.log"})
	in.add(host.Touch{Path: "/etc/d", Listed: true})
	tests := []struct {
		path string
		op   fsnotify.Op
		want bool
	}{
		{"/etc/a", fsnotify.Write, true}, {"/etc/b", fsnotify.Write, false}, {"/etc/d/x", fsnotify.Create, true},
		{"/var/log/auth.log", fsnotify.Write, false}, {"/var/log/auth.log", fsnotify.Chmod, true}, {"/var/log/auth.log", fsnotify.Create, true},
	}
	for _, tt := range tests {
		if got := in.matters(tt.path, tt.op); got != tt.want {
			t.Errorf("%s of %s matters: %v; want %v", tt.op, tt.path, got, tt.want)
		}
	}
	less := interest{}
	less.add(host.Touch{Path: "/etc/a"})
	if !less.within(in) || in.within(less) || less.within(interest{}) {
		t.Error("within does not compare kinds of interest")
	}
}

func TestRunPollsWhatAnnouncesNothing(t *testing.T) {
	a, root := sampleAgent(t)
	a.opts.PollInterval = 5 * time.Millisecond
	write(t, root, "proc/cmdline", "quiet\n")
	out := running(t, a)
	<-out
	write(t, root, "proc/cmdline", "quiet mitigations=off\n")
	awaitState(t, out, "kernel-mitigations-on", baseline.Fail)
}

func TestScanAgreesWithCollect(t *testing.T) {
	a, _ := sampleAgent(t)
	r, err := a.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := assignmentOf(t, collect(t, a)[AssignmentName])
	for _, c := range r.Checks {
		if got := p.Checks[c.ID]; got.State != c.State || got.Evidence != c.Evidence {
			t.Errorf("%s: scan says %s, document %s", c.ID, c.State, got.State)
		}
	}
	if len(r.Checks) != len(p.Checks) || r.Machine.Name != "web01" {
		t.Errorf("%d checks of %q; the document has %d", len(r.Checks), r.Machine.Name, len(p.Checks))
	}
}

func TestCollectStopsWithItsContext(t *testing.T) {
	a, _ := sampleAgent(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Collect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// BenchmarkCollect collects this machine as a running agent does: unchanged
// package databases come from the cache.
func BenchmarkCollect(b *testing.B) {
	all, err := baselines.Load()
	if err != nil {
		b.Fatal(err)
	}
	a, err := New(Options{MachineID: machineID, Baselines: all})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := a.Collect(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleAgent_Scan() {
	b, err := baselines.Read("example.yaml", []byte(`
id: example
version: 1.0.0
title: Example
os: linux
checks:
  - id: nothing-there
    title: There should be no such file
    severity: low
    rule: {not: {fileExists: {paths: [/no/such/file]}}}
    rationale: It is an example.
    remediation: Remove it.
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := New(Options{MachineID: machineID, Baselines: []*baselines.Baseline{b}})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := a.Scan(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Summary.Passed, "passed")
	// Output: 1 passed
}

func TestOversizedDocumentKeepsItsPlace(t *testing.T) {
	a, _ := sampleAgent(t)
	d := document{kind: TypeMachine, name: "x", properties: strings.Repeat("x", wire.MaxBody)}
	got, err := a.wire(d, instant)
	if err != nil || len(got.Body) > wire.MaxBody || len(got.Unavailable) != 1 {
		t.Errorf("%d bytes, unavailable %q, %v", len(got.Body), got.Unavailable, err)
	}
}
