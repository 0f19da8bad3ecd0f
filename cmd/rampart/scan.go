package main

import (
	"context"
	"errors"

	"github.com/rampart-sec/rampart/internal/agent/command"
)

// runScanHost is "rampart-agent check" under its older name.
func runScanHost(ctx context.Context, std stdio, args []string) error {
	err := agentProgram(std).Check(ctx, "scan host", args)
	if errors.Is(err, command.ErrFound) {
		return errFound
	}
	return err
}

func agentProgram(std stdio) command.Program {
	return command.Program{Name: "rampart agent", Version: version, Out: std.out, Err: std.err}
}
