package command

import (
	"fmt"
	"os"

	"github.com/rampart-sec/rampart/content/baselines"
)

// maxFile bounds one baseline file.
const maxFile = 16 << 20

// baselineFiles are what --baseline named, by format.
type baselineFiles struct {
	native []*baselines.Baseline
}

// readFiles reads the named files; none means the built-in checks.
func readFiles(names []string) (baselineFiles, error) {
	var all baselineFiles
	if len(names) == 0 {
		native, err := baselines.Load()
		return baselineFiles{native: native}, err
	}
	for _, name := range names {
		data, err := readFile(name)
		if err != nil {
			return all, err
		}
		b, err := baselines.Read(name, data)
		if err != nil {
			return all, err
		}
		all.native = append(all.native, b)
	}
	return all, nil
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading baseline: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("reading baseline %s: not a regular file of at most %d bytes", name, maxFile)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading baseline: %w", err)
	}
	return data, nil
}
