package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image"
	"github.com/rampart-sec/rampart/internal/vuln/triage"
	"github.com/rampart-sec/rampart/internal/vuln/vex"
)

// asideFlags say what does not count, and how old advisories may be.
type asideFlags struct {
	vex, rules []string
	maxAge     time.Duration
}

func (a *asideFlags) add(fs *flag.FlagSet) {
	fs.Func("vex", "VEX document (OpenVEX, CycloneDX, CSAF) of a maker that is trusted; may be given again", func(path string) error { a.vex = append(a.vex, path); return nil })
	fs.Func("rules", "YAML file of rules that disable findings; may be given again", func(path string) error { a.rules = append(a.rules, path); return nil })
	fs.DurationVar(&a.maxAge, "max-age", 30*24*time.Hour, "a scan with advisories older than this is an error; 0 for any age")
}

// asides are what was read of the files.
type asides struct {
	statements []vex.Statement
	rules      []triage.Rule
}

// maxAsideFile bounds a file of rules or statements.
const maxAsideFile = vex.MaxBytes

// read reads all files before the scan: a wrong one is said at once.
func (a *asideFlags) read() (out asides, err error) {
	for _, path := range a.vex {
		data, err := readWhole(path)
		if err != nil {
			return out, err
		}
		list, err := vex.Parse(data)
		if err != nil {
			return out, fmt.Errorf("--vex %s: %w", path, err)
		}
		out.statements = append(out.statements, list...)
	}
	for _, path := range a.rules {
		data, err := readWhole(path)
		if err != nil {
			return out, err
		}
		list, err := triage.ReadRules(path, data)
		if err != nil {
			return out, fmt.Errorf("--rules %w", err)
		}
		out.rules = append(out.rules, list...)
	}
	return out, nil
}

func readWhole(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxAsideFile {
		return nil, errors.New(path + " is no file, or has more than 64 MB")
	}
	return os.ReadFile(path)
}

// apply sets findings aside and says what fits nothing: that is mostly a mistake.
func (a asides) apply(io stdio, r *image.Report, now time.Time) {
	unmatched, unused := r.SetAside(a.statements, a.rules, now)
	for i, s := range unmatched {
		if i == maxProblems {
			fmt.Fprintf(io.err, "and %d more statements fit no finding\n", len(unmatched)-i)
			break
		}
		fmt.Fprintf(io.err, "VEX %s: %s of %s fits no finding\n", s.Document, s.Vulnerability, s.Product)
	}
	for _, rule := range unused {
		fmt.Fprintf(io.err, "%s disables nothing\n", rule)
	}
}

// checkAge is about the feeds that the scan asked.
func (a *asideFlags) checkAge(r *image.Report, now time.Time) error {
	if err := advisory.CheckAge(r.Feeds, now, a.maxAge); err != nil {
		return fmt.Errorf("scan error: %w", err)
	}
	return nil
}
