package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite expected output in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rampart": main})
}

// TestScripts runs the command line's contract, one feature per file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			// verbs find their data by flags alone, never by who runs the tests
			env.Setenv("XDG_DATA_HOME", env.WorkDir+"/none")
			env.Setenv("HOME", env.WorkDir)
			return os.MkdirAll(env.WorkDir+"/tmp", 0o700)
		},
	})
}
