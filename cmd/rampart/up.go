package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/app"
)

func runUp(ctx context.Context, io stdio, args []string) error {
	fs := flagSet("up", io)
	c := app.Config{Agent: true, StepPorts: true}
	noAgent := fs.Bool("no-agent", false, "do not assess this machine")
	fs.StringVar(&c.Data, "data", "", "folder of everything that is kept (default "+app.DefaultData()+")")
	fs.StringVar(&c.Listen, "listen", "", "API and agents over TLS (default 127.0.0.1:8443)")
	fs.StringVar(&c.Dashboard, "dashboard", "", "pages in plain HTTP, loopback only (default 127.0.0.1:8080)")
	fs.StringVar(&c.Advertise, "advertise", "", "host name that clients use")
	fs.StringVar(&c.Root, "root", "", "file system root that the agent reads (default /)")
	fs.BoolVar(&c.Demo, "demo", false, "add a sample tenant, never mixed into real numbers")
	fs.StringVar(&c.Log.Level, "log-level", "warn", "debug, info, warn or error")
	if err := parse(fs, io, args, 0, 0); err != nil {
		return err
	}
	c.Agent = !*noAgent
	if runtime.GOOS == "darwin" { // no collector there: show the sample instead
		c.Agent, c.Demo = false, true
	}
	// a port that was asked for is not stepped over
	c.StepPorts = c.Listen == "" && c.Dashboard == ""
	return serve(ctx, io, c)
}

func runServe(ctx context.Context, io stdio, args []string) error {
	fs := flagSet("serve", io)
	file := fs.String("config", "", "configuration file")
	if err := parse(fs, io, args, 0, 0); err != nil {
		return err
	}
	if *file == "" {
		return errors.New("--config FILE is needed")
	}
	c, err := app.ReadConfig(*file)
	if err != nil {
		return err
	}
	c.Dashboard = "off" // serve has TLS for everything
	return serve(ctx, io, c)
}

func serve(ctx context.Context, io stdio, c app.Config) error {
	if err := c.Check(); err != nil {
		return err
	}
	return app.Run(ctx, app.Options{
		Config:  c,
		Version: version,
		Now:     time.Now,
		Log:     logger(io, c.Log),
		Ready:   func(s app.Status) { announce(io, s) },
	})
}

func logger(io stdio, l app.Log) *slog.Logger {
	var level slog.Level
	if l.Level != "" {
		_ = level.UnmarshalText([]byte(l.Level)) // Config.Check has accepted it
	}
	opts := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(io.err, opts))
	}
	return slog.New(slog.NewTextHandler(io.err, opts))
}

// announce tells a newcomer where to look.
func announce(io stdio, s app.Status) {
	fmt.Fprintf(io.err, "\n  Rampart %s is up.\n\n", version)
	if s.Dashboard != "" {
		fmt.Fprintf(io.err, "  Dashboard   %s\n", s.AdminURL)
		fmt.Fprintf(io.err, "              (signs you in once; rampart admin link makes another)\n")
	}
	fmt.Fprintf(io.err, "  API         %s\n", s.URL)
	fmt.Fprintf(io.err, "  Data        %s\n", s.Data)
	for _, note := range s.Notes {
		fmt.Fprintf(io.err, "  Note        %s\n", note)
	}
	if os.Getenv("SSH_CONNECTION") != "" && s.Dashboard != "" {
		port := s.Dashboard[strings.LastIndexByte(s.Dashboard, ':')+1:]
		host, _ := os.Hostname()
		fmt.Fprintf(io.err, "\n  You are connected over SSH. On your own machine:\n    ssh -L %s:127.0.0.1:%s %s\n  then open the link above there.\n", port, port, host)
	}
	fmt.Fprintln(io.err, "\n  Ctrl-C stops it.")
}
