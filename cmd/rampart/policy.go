package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/proof"
)

func runPolicyEval(_ context.Context, std stdio, args []string) error {
	fs := flagSet("policy eval", std)
	cases := fs.String("cases", "", "case file, JSON Lines")
	dir := fs.String("aliases-dir", "", "folder of the alias catalogues that cases name")
	if err := parse(fs, std, args, 0, 0); err != nil {
		return err
	}
	if *cases == "" {
		return errors.New("--cases FILE is needed")
	}
	in, closeIn, err := openInput(std, *cases)
	if err != nil {
		return err
	}
	defer closeIn()
	return policy.EvalCases(in, std.out, policy.CaseOptions{AliasesDir: *dir, Now: time.Now()})
}

func runPolicyCheck(_ context.Context, std stdio, args []string) error {
	fs := flagSet("policy check", std)
	aliasFile := fs.String("aliases", "", "alias table: TSV (type, alias, path; .gz too) or provider list JSON")
	if err := parse(fs, std, args, 1, -1); err != nil {
		return err
	}
	aliases, err := readAliases(*aliasFile)
	if err != nil {
		return err
	}
	report, err := policy.CheckDirs(fs.Args(), policy.CheckOptions{Aliases: aliases, Now: time.Now})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(std.out).Encode(report); err != nil {
		return err
	}
	if len(report.Failed) > 0 {
		return errFound
	}
	return nil
}

// readAliases reads the alias table of a flag: the built-in one for "".
func readAliases(file string) (*policy.Aliases, error) {
	aliases := policy.NewAliases()
	if file == "" {
		return aliases, nil
	}
	return aliases, aliases.LoadFile(file)
}

func runPolicyExplain(_ context.Context, std stdio, args []string) error {
	fs := flagSet("policy explain", std)
	resource := fs.String("resource", "", "resource document, ARM JSON")
	definition := fs.String("definition", "", "policy definition, JSON")
	related := fs.String("related", "", "other resources of the estate, JSON Lines")
	parameters := fs.String("parameters", "", `parameter values, JSON: {"name": value}`)
	aliasFile := fs.String("aliases", "", "alias table: TSV or provider list JSON")
	format := fs.String("format", "text", "text or json")
	if err := parse(fs, std, args, 0, 0); err != nil {
		return err
	}
	if *resource == "" || *definition == "" {
		return errors.New("--resource FILE and --definition FILE are needed")
	}
	aliases, err := readAliases(*aliasFile)
	if err != nil {
		return err
	}
	x, err := policy.ExplainFiles(policy.ExplainInput{Resource: *resource, Definition: *definition, Related: *related,
		Parameters: *parameters, Aliases: aliases, Now: time.Now()})
	if err != nil {
		return err
	}
	switch *format {
	case "text":
		return x.WriteText(std.out)
	case "json":
		return x.WriteJSON(std.out)
	}
	return fmt.Errorf("--format %q: want text or json", *format)
}

func runPolicyTest(_ context.Context, std stdio, args []string) error {
	fs := flagSet("policy test", std)
	aliasFile := fs.String("aliases", "", "alias table: TSV or provider list JSON")
	junit := fs.String("junit", "", "also write the results to this file as JUnit XML")
	mutate := fs.Bool("mutate", false, "remove each condition in turn: some example must notice")
	if err := parse(fs, std, args, 0, -1); err != nil {
		return err
	}
	aliases, err := readAliases(*aliasFile)
	if err != nil {
		return err
	}
	report, err := testPolicies(fs.Args(), proof.Options{Aliases: aliases, Now: time.Now(), Mutate: *mutate})
	if err != nil {
		return err
	}
	if err := report.WriteTable(std.out); err != nil {
		return err
	}
	if *junit != "" {
		if err := writeFile(*junit, report.WriteJUnit); err != nil {
			return err
		}
	}
	if report.Failed() > 0 {
		return errFound
	}
	return nil
}

// testPolicies proves the recommendations (YAML) below the directories, the
// built-in ones if there are none, and runs folders of definitions.
func testPolicies(dirs []string, opt proof.Options) (*policy.TestReport, error) {
	if len(dirs) == 0 {
		library, err := content.Load()
		if err != nil {
			return nil, err
		}
		return &policy.TestReport{Results: proof.Run(library.Recommendations, opt)}, nil
	}
	list, rest, err := proof.Read(dirs)
	if err != nil {
		return nil, err
	}
	report := &policy.TestReport{Results: proof.Run(list, opt)}
	if len(rest) == 0 {
		return report, nil
	}
	folders, err := policy.TestDirs(rest, policy.TestOptions{Aliases: opt.Aliases, Now: opt.Now, Mutate: opt.Mutate})
	if err != nil {
		return nil, err
	}
	report.Results = append(report.Results, folders.Results...)
	return report, nil
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
