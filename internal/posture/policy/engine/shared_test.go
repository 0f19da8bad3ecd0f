package engine

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// sharedData is the folder of development data beside the repository, or a
// skip.
func sharedData(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	data := filepath.Join(dir, "..", "shared", "data", "policy")
	if _, err := os.Stat(data); err != nil {
		t.Skip("the development data (../shared/data/policy) is not there")
	}
	return data
}

// catalogue reads the public definitions and the cloud security benchmark.
func catalogue(t testing.TB, data string) (defs []*policy.Definition, benchmark *policy.Initiative) {
	t.Helper()
	f, err := os.Open(filepath.Join(data, "built-in-policies.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for tr := tar.NewReader(zip); ; {
		head, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return defs, benchmark
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(head.Name, ".json") || strings.Contains(head.Name, "Azure Government") {
			continue
		}
		raw, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(head.Name, "policySetDefinitions/Security Center/AzureSecurityCenter.json"):
			if benchmark, err = policy.ParseInitiative(raw); err != nil {
				t.Fatal(err)
			}
		case strings.Contains(head.Name, "policyDefinitions/"):
			if d, err := policy.ParseDefinition(raw); err == nil && d.Rule != nil {
				defs = append(defs, d)
			}
		}
	}
}

// publicAliases is the full public alias table.
func publicAliases(t testing.TB, data string) *policy.Aliases {
	t.Helper()
	f, err := os.Open(filepath.Join(data, "aliases.tsv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	a := policy.NewAliases()
	if err := a.LoadTSV(zip); err != nil {
		t.Fatal(err)
	}
	return a
}

// benchmarkInput is the public cloud security benchmark, assigned to a
// management group above everything.
func benchmarkInput(t testing.TB) Input {
	t.Helper()
	data := sharedData(t)
	defs, initiative := catalogue(t, data)
	a, err := policy.ParseAssignment([]byte(`{"id":"/providers/Microsoft.Authorization/policyAssignments/benchmark",
		"properties":{"scope":"/","policyDefinitionId":"` + initiative.ID + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	return Input{Definitions: defs, Initiatives: []*policy.Initiative{initiative}, Assignments: []*policy.Assignment{a}, Aliases: publicAliases(t, data)}
}
