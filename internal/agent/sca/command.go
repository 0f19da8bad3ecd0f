package sca

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// Bounds of one command.
const (
	commandTime = 30 * time.Second
	maxOutput   = 1 << 20
)

// errApproval is the reason of commands that are not known to be harmless.
var errApproval = errors.New("the command needs local approval")

// commands answers command rules, each command line at most once.
type commands struct {
	ctx    context.Context // of the evaluation that owns this value
	h      *host.Host
	opts   Options
	output map[string]output
}

// output is what a command said; state is set if it could not be had.
type output struct {
	data  []byte
	state State
	err   error
}

func newCommands(ctx context.Context, h *host.Host, o Options) *commands {
	return &commands{ctx: ctx, h: h, opts: o, output: map[string]output{}}
}

// Digest is what an approval of a command line holds: the SHA-256 sum of its
// text, in hexadecimal.
func Digest(command string) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(command)))
	return hex.EncodeToString(sum[:])
}

// prepare runs the commands of a policy side by side, those that need a
// program last, so that rules find their answers waiting.
func (c *commands) prepare(p *Policy) {
	var lines []string
	for _, check := range p.Checks {
		for _, r := range check.Rules {
			if r.Kind != KindCommand || r.Err != nil {
				continue
			}
			line := r.Subject[0]
			if _, known := c.output[line]; known {
				continue
			}
			argv, err := splitCommand(line)
			if err != nil {
				continue
			}
			data, ok := c.native(argv)
			c.output[line] = output{data: data}
			if !ok {
				lines = append(lines, line)
			}
		}
	}
	c.runAll(lines)
}

func (c *commands) runAll(lines []string) {
	results := make([]output, len(lines))
	var group sync.WaitGroup
	slots := make(chan struct{}, max(2, runtime.NumCPU()))
	for i, line := range lines {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			results[i] = c.run(line)
		})
	}
	group.Wait()
	for i, line := range lines {
		c.output[line] = results[i]
	}
}

func (c *commands) answer(r *Rule) answer {
	line := r.Subject[0]
	out, ok := c.output[line]
	if !ok {
		out = c.run(line)
		c.output[line] = out
	}
	switch {
	case out.err != nil:
		return cannot(out.state, "%v", out.err)
	case r.Content == nil:
		return found(true)
	}
	return matched(r.Content.inLines(out.data))
}

// run starts a program, never a shell unless exactly that was approved. What a
// program prints on either stream counts; its exit status does not, as with
// Wazuh, but for a program that does not exist.
func (c *commands) run(line string) output {
	argv, err := splitCommand(line)
	if err != nil {
		return output{state: Invalid, err: err}
	}
	if !allowed(argv) && !c.opts.Approved[Digest(line)] {
		return output{state: Unknown, err: fmt.Errorf("%w (%s)", errApproval, Digest(line)[:16])}
	}
	if !c.opts.Live {
		return output{state: Unknown, err: errors.New("commands cannot run for a mounted root")}
	}
	program, err := trusted(argv[0])
	if err != nil {
		return output{state: NotApplicable, err: err}
	}
	ctx, cancel := context.WithTimeout(c.ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, argv[1:]...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "LANG=C", "HOME=/", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}
	cmd.Dir = "/"
	var buf bounded
	cmd.Stdout, cmd.Stderr = &buf, &buf
	cmd.WaitDelay = time.Second
	group(cmd)
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return output{state: Unknown, err: errors.New("the command did not end in time")}
	case err != nil && !errors.As(err, &exit):
		return output{state: NotApplicable, err: fmt.Errorf("the command could not be started: %w", err)}
	case buf.cut:
		return output{state: Unknown, err: fmt.Errorf("the command printed more than %d bytes", maxOutput)}
	}
	return output{data: buf.Bytes()}
}

// trusted finds a program that only root may have written.
func trusted(name string) (string, error) {
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		candidates = candidates[:0]
		for _, dir := range directories {
			candidates = append(candidates, path.Join(dir, name))
		}
	}
	for _, file := range candidates {
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		if !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 || !ownedByRoot(info) {
			return "", fmt.Errorf("%s could have been changed by others than root", file)
		}
		return file, nil
	}
	return "", fmt.Errorf("there is no program %s", name)
}

// bounded keeps the beginning of an output.
type bounded struct {
	bytes.Buffer
	cut bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if left := maxOutput - b.Len(); len(p) > left {
		b.cut = true
		b.Buffer.Write(p[:left])
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
