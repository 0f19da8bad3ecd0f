package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/content/detections"
	"github.com/rampart-sec/rampart/internal/threat/detect"
	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/mapping"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
	"github.com/rampart-sec/rampart/internal/threat/sigma/pipeline"
)

// texts is a flag that may stand several times.
type texts []string

func (t *texts) String() string     { return strings.Join(*t, ",") }
func (t *texts) Set(s string) error { *t = append(*t, s); return nil }

// detectFlags are what verbs that read events have in common.
type detectFlags struct {
	rules     texts
	source    *string
	logsource *string
	mapping   *string
	pipelines texts
}

func (d *detectFlags) add(fs *flag.FlagSet) {
	fs.Var(&d.rules, "rules", "folder or file of Sigma rules, instead of the product's own; may be given several times")
	fs.Var(&d.pipelines, "pipeline", "pySigma pipeline file that changes the rules; may be given several times")
	d.source = fs.String("source", "", "kind of the events: "+strings.Join(sourceNames(), ", ")+"; told by their start if not given")
	d.logsource = fs.String("logsource", "", "of json, cef, logfmt and otlp: product=..,category=..,service=..")
	d.mapping = fs.String("mapping", "", "of json: file that names log source, time and fields")
}

func sourceNames() (names []string) {
	for _, s := range sources.List {
		names = append(names, s.Name)
	}
	return append(names, "json", "cef", "logfmt", "otlp")
}

// custom makes the source of formats that do not say what they are.
func (d *detectFlags) custom() (*sources.Source, error) {
	if *d.mapping != "" {
		text, err := os.ReadFile(*d.mapping)
		if err != nil {
			return nil, err
		}
		m, err := mapping.Load(*d.mapping, text)
		if err != nil {
			return nil, err
		}
		s := sources.Mapped(m)
		return &s, nil
	}
	if _, ok := sources.Find(*d.source); ok || *d.source == "" {
		return nil, nil
	}
	kind, err := parseLogSource(*d.logsource)
	if err != nil {
		return nil, err
	}
	if *d.source == "json" {
		s := sources.JSON(kind)
		return &s, nil
	}
	if s, ok := sources.Envelope(*d.source, kind); ok {
		return &s, nil
	}
	return nil, fmt.Errorf("--source %q: want one of %s", *d.source, strings.Join(sourceNames(), ", "))
}

func parseLogSource(text string) (*event.Kind, error) {
	parts := map[string]string{}
	for _, p := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		name, value, ok := strings.Cut(p, "=")
		if name = strings.TrimSpace(name); !ok || name != "product" && name != "category" && name != "service" {
			return nil, fmt.Errorf("--logsource %q: want product=NAME, category=NAME or service=NAME, joined by commas", text)
		}
		parts[name] = strings.TrimSpace(value)
	}
	if len(parts) == 0 {
		return nil, errors.New("--logsource is missing: json, cef, logfmt and otlp do not say what they are")
	}
	list := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	return event.NewKind(parts["product"], list(parts["category"]), list(parts["service"])), nil
}

// program reads the rules; those of the product if none are named.
func (d *detectFlags) program(std stdio) (*detect.Program, error) {
	if len(d.rules) == 0 {
		return detect.New(sigma.LoadFS(detections.FS)), nil
	}
	for _, dir := range d.rules {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("--rules: %w", err)
		}
	}
	change, err := pipeline.Load(d.pipelines...)
	if err != nil {
		return nil, fmt.Errorf("--pipeline: %w", err)
	}
	for _, what := range change.Ignored {
		fmt.Fprintf(std.err, "ignored: %s\n", clean(what))
	}
	var apply func(*yaml.Node) error
	if len(d.pipelines) > 0 {
		apply = change.Apply
	}
	p := detect.New(sigma.LoadWith(apply, d.rules...))
	if p.Count() == 0 && len(p.Failed()) > 0 {
		return nil, fmt.Errorf("no rule can be used: %w", p.Failed()[0])
	}
	if p.Count() == 0 {
		return nil, fmt.Errorf("there is no rule in %s", d.rules.String())
	}
	return p, nil
}

func runDetectRun(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("detect run", std)
	var d detectFlags
	d.add(fs)
	format := fs.String("format", "", "json or table; a table on a terminal, else json")
	statsFile := fs.String("stats", "", "file for counts and times, as JSON")
	if err := parse(fs, std, args, 1, -1); err != nil {
		return err
	}
	write, err := hitWriter(std.out, *format)
	if err != nil {
		return err
	}
	begin := time.Now()
	files, err := d.open(std)
	if err != nil {
		return err
	}
	program := files.Program
	for i, f := range program.Failed() {
		if i == 5 {
			fmt.Fprintf(std.err, "and %d more rules are refused; --stats FILE lists them\n", len(program.Failed())-i)
			break
		}
		fmt.Fprintf(std.err, "refused: %s\n", clean(f.Error()))
	}
	loaded := time.Now()
	cpu := cpuTime()
	out := bufio.NewWriter(std.out)
	failed := readFiles(ctx, std, fs.Args(), func(name string, in io.Reader) error {
		return files.Read(ctx, name, in, func(h detect.FileHit) error { return write(out, files, h) })
	})
	if err := out.Flush(); err != nil {
		return err
	}
	if files.Stats.Skipped > 0 {
		fmt.Fprintf(std.err, "%d records could not be decoded, the first: %s\n", files.Stats.Skipped, clean(files.Stats.FirstSkipped))
	}
	if *statsFile != "" {
		if err := writeStats(*statsFile, program, files, loaded.Sub(begin), time.Since(loaded), cpuTime()-cpu); err != nil {
			return err
		}
	}
	return failed
}

// open makes what reads files for the rules that the flags name.
func (d *detectFlags) open(std stdio) (*detect.Files, error) {
	custom, err := d.custom()
	if err != nil {
		return nil, err
	}
	program, err := d.program(std)
	if err != nil {
		return nil, err
	}
	return &detect.Files{Program: program, Source: *d.source, Custom: custom}, nil
}

// readFiles reads all files; one that cannot be read does not keep the others
// back.
func readFiles(ctx context.Context, std stdio, names []string, read func(name string, in io.Reader) error) error {
	var errs []error
	for _, name := range names {
		err := readFile(std, name, read)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func readFile(std stdio, name string, read func(name string, in io.Reader) error) error {
	if name == "-" {
		return read("-", std.in)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return fmt.Errorf("%s: it is a folder; name files", name)
	}
	return read(name, f)
}

// ruleHit and correlationHit are the lines of detect run, a contract with scripts.
type ruleHit struct {
	RuleID string            `json:"ruleId"`
	Title  string            `json:"title"`
	Level  string            `json:"level"`
	Tags   []string          `json:"tags"`
	File   string            `json:"file"`
	Index  int               `json:"index"`
	Time   *time.Time        `json:"time"` // null if the event does not say
	Fields map[string]string `json:"fields"`
}

type correlationHit struct {
	RuleID      string            `json:"ruleId"`
	Title       string            `json:"title"`
	Level       string            `json:"level"`
	Tags        []string          `json:"tags"`
	GroupBy     map[string]string `json:"groupBy"`
	From        time.Time         `json:"from"`
	To          time.Time         `json:"to"`
	Count       float64           `json:"count"`
	Events      []detect.Place    `json:"events"`
	Approximate bool              `json:"approximate,omitempty"`
}

func hitWriter(out io.Writer, format string) (func(io.Writer, *detect.Files, detect.FileHit) error, error) {
	if format == "" {
		format = "json"
		if isTerminal(out) {
			format = "table"
		}
	}
	switch format {
	case "json":
		return writeHitJSON, nil
	case "table":
		return writeHitLine, nil
	}
	return nil, fmt.Errorf("--format %q: want json or table", format)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func writeHitJSON(out io.Writer, files *detect.Files, h detect.FileHit) error {
	line := hitLine(files, h)
	if line == nil {
		return nil
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(line)
}

// hitLine is nil for a correlation that held already.
func hitLine(files *detect.Files, h detect.FileHit) any {
	if d := h.Correlation; d != nil {
		if d.Repeat {
			return nil
		}
		c := correlationHit{RuleID: d.Rule.Key(), Title: d.Rule.Title, Level: d.Rule.Level, Tags: listOf(d.Rule.Tags), GroupBy: map[string]string{},
			From: d.From, To: d.To, Count: d.Value, Approximate: d.Approximate}
		for i, name := range d.Rule.GroupBy {
			c.GroupBy[name] = d.Group[i]
		}
		for _, e := range d.Events {
			c.Events = append(c.Events, files.Place(e))
		}
		return c
	}
	r := ruleHit{RuleID: h.Rule.Key(), Title: h.Rule.Title, Level: h.Rule.Level, Tags: listOf(h.Rule.Tags), File: h.File, Index: h.Index, Fields: map[string]string{}}
	if t := h.Event.Time(); !t.IsZero() {
		r.Time = &t
	}
	for _, f := range h.Fields {
		r.Fields[f.Name] = f.Value
	}
	return r
}

func listOf(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

// writeHitLine writes one line for a person.
func writeHitLine(out io.Writer, files *detect.Files, h detect.FileHit) error {
	if d := h.Correlation; d != nil {
		if d.Repeat {
			return nil
		}
		_, err := fmt.Fprintf(out, "%-13s %s  %s  %v in %s  %s\n", d.Rule.Level, d.To.Format(time.DateTime), clean(d.Rule.Title), d.Value, d.To.Sub(d.From), clean(strings.Join(d.Group, ", ")))
		return err
	}
	at := "no time            "
	if t := h.Event.Time(); !t.IsZero() {
		at = t.Format(time.DateTime)
	}
	var fields []string
	for _, f := range h.Fields {
		fields = append(fields, f.Name+"="+f.Value)
	}
	text := strings.Join(fields, " ")
	if len(text) > 160 {
		text = text[:160] + "..."
	}
	_, err := fmt.Fprintf(out, "%-13s %s  %s  %s:%d  %s\n", h.Rule.Level, at, clean(h.Rule.Title), clean(h.File), h.Index, clean(text))
	return err
}

// detectStats is the file of --stats, a contract with scripts.
type detectStats struct {
	Rules       int           `json:"rules"`
	RulesFailed []refusedRule `json:"rulesFailed"`
	Events      int64         `json:"events"`
	Bytes       int64         `json:"bytes"`
	Matches     int64         `json:"matches"`
	LoadSeconds float64       `json:"loadSeconds"`
	RunSeconds  float64       `json:"runSeconds"`
	CPUSeconds  float64       `json:"cpuSeconds"`
	MaxRSS      int64         `json:"maxRSS"`
	Skipped     int64         `json:"skipped"`
}

type refusedRule struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

func writeStats(name string, p *detect.Program, files *detect.Files, load, run, cpu time.Duration) error {
	s := detectStats{Rules: p.Count(), RulesFailed: []refusedRule{}, Events: files.Stats.Events, Bytes: files.Stats.Bytes, Matches: files.Stats.Hits,
		LoadSeconds: load.Seconds(), RunSeconds: run.Seconds(), CPUSeconds: cpu.Seconds(), MaxRSS: maxRSS(), Skipped: files.Stats.Skipped}
	for _, f := range p.Failed() {
		s.RulesFailed = append(s.RulesFailed, refusedRule{f.File, f.Line, f.Reason})
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}
