package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/baseline"
	"github.com/rampart-sec/rampart/internal/agent/host"
	"github.com/rampart-sec/rampart/internal/agent/sca"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// TypeMachine is the resource type of a server outside the clouds.
const TypeMachine = "Microsoft.HybridCompute/machines"

// ErrUnsupported is returned by New where this build has no collector.
var ErrUnsupported = errors.New("no collector for this operating system")

// Options are what an agent needs to know. Only MachineID and Baselines are
// required.
type Options struct {
	// Root is the directory that is looked at as the machine: "/" by default;
	// anything else is for images and tests.
	Root string
	// MachineID is the resource id of the machine, of type
	// Microsoft.HybridCompute/machines or another machine type.
	MachineID string
	Baselines []*baselines.Baseline
	// Policies are SCA policies that Scan judges by besides the baselines, and
	// ApprovedCommands the digests of what they may run beyond what is known.
	Policies         []*sca.Policy
	ApprovedCommands map[string]bool
	// Version is reported as properties.agentVersion.
	Version string
	// MinVersion is the SourceVersion of the newest document that the server
	// has of this agent, if that is known: an agent that was restarted after
	// the clock was put back goes on from there instead of being taken for an
	// older one.
	MinVersion int64
	// Now is the clock, time.Now by default. It only stamps documents and
	// judges ends of support: order comes from SourceVersion.
	Now func() time.Time
	Log *slog.Logger // discarded by default
	// PollInterval is how often what announces no change (kernel parameters,
	// sockets, processes) is looked at: 30 s by default.
	PollInterval time.Duration
	// Debounce is how long a change may be followed by others before all are
	// looked at together: 100 ms by default.
	Debounce time.Duration
}

// Agent collects one machine. Its methods must not be called at the same time.
type Agent struct {
	opts  Options
	id    arm.ID
	cache *host.Cache
	// version orders the documents of this agent; it starts at the wall clock
	// so that a restarted agent is not taken for an older one.
	version int64
	touched []host.Touch // what the last collection looked at
}

// New checks the options and returns an agent that has not looked yet. The
// error wraps ErrUnsupported where this build cannot collect.
func New(o Options) (*Agent, error) {
	if !host.Supported {
		return nil, fmt.Errorf("%w: this agent collects on linux only, this is %s", ErrUnsupported, runtime.GOOS)
	}
	id, err := arm.ParseID(o.MachineID)
	if err != nil {
		return nil, fmt.Errorf("machine id: %w", err)
	}
	if id.Subscription() == "" || id.ResourceGroup() == "" || id.IsChild() {
		return nil, fmt.Errorf("machine id %q: a machine lies in a resource group", o.MachineID)
	}
	o.setDefaults()
	return &Agent{opts: o, id: id, cache: host.NewCache(), version: o.MinVersion}, nil
}

func (o *Options) setDefaults() {
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.PollInterval <= 0 {
		o.PollInterval = 30 * time.Second
	}
	if o.Debounce <= 0 {
		o.Debounce = 100 * time.Millisecond
	}
}

// Collect reads everything once and returns all documents of the machine: the
// machine itself, its baseline results and its facts. What could not be read
// is declared in the documents, it is not an error; the error is that of ctx.
func (a *Agent) Collect(ctx context.Context) ([]wire.Document, error) {
	h := host.New(a.opts.Root, a.opts.Now(), a.cache)
	results := baseline.Evaluate(h, a.opts.Baselines)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	facts := []document{a.machine(h), a.assignment(results)}
	for _, collect := range factCollectors {
		facts = append(facts, collect(h))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	a.touched = h.Touched()
	a.version = max(a.version+1, a.opts.Now().UnixMilli())
	docs := make([]wire.Document, 0, len(facts))
	for _, f := range facts {
		d, err := a.wire(f, h.Now())
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}
