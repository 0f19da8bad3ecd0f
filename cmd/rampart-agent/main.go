// Command rampart-agent is the program on a protected machine. It links no
// part of the server.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rampart-sec/rampart/internal/agent/command"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := command.Program{Name: "rampart-agent", Version: version, Out: os.Stdout, Err: os.Stderr}
	os.Exit(p.Run(ctx, os.Args[1:]))
}
