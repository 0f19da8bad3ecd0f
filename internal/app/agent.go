package app

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// localGroup is the resource group of the machine that the server runs on.
const localGroup = "local"

type agentParts struct {
	deliver      func(ctx context.Context, tenant string, docs []wire.Document) error
	checks       []*baselines.Baseline
	subscription string
}

// startAgent assesses this machine in process: what an enrolled agent would
// send goes straight into the inventory.
func (a *App) startAgent(ctx context.Context, p agentParts) error {
	if runtime.GOOS != "linux" {
		a.status.Notes = append(a.status.Notes, "This machine isn't assessed: the local agent runs on Linux.")
		return nil
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "localhost"
	}
	if i := strings.IndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	id := "/subscriptions/" + p.subscription + "/resourceGroups/" + localGroup + "/providers/Microsoft.HybridCompute/machines/" + name
	ag, err := agent.New(agent.Options{Root: a.opt.Config.Root, MachineID: id, Baselines: p.checks, Version: a.opt.Version, Now: a.opt.Now, Log: a.opt.Log})
	if err != nil {
		return fmt.Errorf("local agent: %w", err)
	}
	if os.Geteuid() != 0 {
		a.status.Notes = append(a.status.Notes, "Not run as root: what only root may read is shown as unknown, with its path.")
	}
	a.life.run(ctx, "local agent", func(ctx context.Context) error {
		return ag.Run(ctx, func(ctx context.Context, docs []wire.Document) error {
			return p.deliver(ctx, store.DefaultTenant, docs)
		})
	})
	return nil
}
