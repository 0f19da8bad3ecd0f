package command

import (
	"fmt"
	"os"
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
	"github.com/rampart-sec/rampart/internal/agent/sca"
)

// maxFile bounds one baseline file.
const maxFile = 16 << 20

// baselineFiles are what --baseline named, by format.
type baselineFiles struct {
	native   []*baselines.Baseline
	policies []*sca.Policy
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
		if sca.Looks(data) {
			p, err := sca.Read(name, data)
			if err != nil {
				return all, err
			}
			all.policies = append(all.policies, p)
			continue
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

// readApproved reads SHA-256 sums of command lines, one a line; "#" begins a
// comment.
func readApproved(name string) (map[string]bool, error) {
	approved := map[string]bool{}
	if name == "" {
		return approved, nil
	}
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	for n, line := range host.Settings(data, "#") {
		sum, _, _ := strings.Cut(line, " ")
		if len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
			return nil, fmt.Errorf("%s:%d: not a SHA-256 sum in hexadecimal", name, n)
		}
		approved[sum] = true
	}
	return approved, nil
}
