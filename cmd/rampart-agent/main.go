// Command rampart-agent is the program on a protected machine. It links no
// part of the server.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/rampart-sec/rampart/internal/agent/command"
)

// version is set by the build.
var version = "dev"

// gcPercent trades processor time, of which an agent needs little, for memory
// of the host: 100,000 accounts take 56 MB instead of 83.
const gcPercent = 25

func main() {
	debug.SetGCPercent(gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := command.Program{Name: "rampart-agent", Version: version, Out: os.Stdout, Err: os.Stderr}
	os.Exit(p.Run(ctx, os.Args[1:]))
}
