package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/rampart-sec/rampart/internal/collect/simulate"
)

func runSimulate(ctx context.Context, io stdio, args []string) error {
	fs := flagSet("simulate", io)
	n := fs.Int("resources", 0, "how many documents")
	seed := fs.Uint64("seed", 1, "the same seed gives the same estate")
	if err := parse(fs, io, args, 0, 0); err != nil {
		return err
	}
	if *n <= 0 {
		return errors.New("--resources N is needed, N at least 1")
	}
	g, err := simulate.New(simulate.Options{Resources: *n, Seed: *seed})
	if err != nil {
		return err
	}
	fmt.Fprintf(io.err, "simulate: %d resources, seed %d\n", *n, *seed)
	w := bufio.NewWriterSize(io.out, 1<<20)
	var line []byte
	for doc, ok := g.Next(); ok; doc, ok = g.Next() {
		line = simulate.AppendLine(line[:0], doc)
		if _, err := w.Write(line); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return w.Flush()
}
