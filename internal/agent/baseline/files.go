package baseline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

func (e *evaluator) fileExists(p *baselines.Paths) outcome {
	for _, pattern := range p.Paths {
		names, err := e.h.Glob(pattern)
		if err != nil {
			return unknown(err)
		}
		for _, name := range names {
			_, err := e.h.Stat(name)
			if err == nil {
				return pass(Evidence{Path: name, Found: "present"})
			}
			if !host.Absent(err) {
				return unknown(err)
			}
		}
	}
	return fail(Evidence{Path: p.Paths[0], Found: "absent", Wanted: "a file here"})
}

func (e *evaluator) fileLine(p *baselines.FileLine) outcome {
	re, err := regexp.Compile("(?i)" + p.Matches)
	if err != nil {
		return unknown(err)
	}
	wanted := Evidence{Path: p.Paths[0], Wanted: p.Means}
	exist := false
	for _, pattern := range p.Paths {
		names, err := e.h.Glob(pattern)
		if err != nil {
			return unknown(err)
		}
		for _, name := range names {
			data, err := e.h.Read(name)
			if host.Absent(err) {
				continue
			}
			if err != nil {
				return unknown(err)
			}
			exist = true
			for n, line := range host.Settings(data, "#") {
				if m := re.FindString(line); m != "" {
					return pass(Evidence{Path: name, Line: n, Found: m, Wanted: wanted.Wanted})
				}
			}
		}
	}
	if !exist {
		wanted.Found = "the file does not exist"
		return missing(p.Missing, wanted)
	}
	wanted.Found = "no such line"
	return fail(wanted)
}

// filePermissions checks every file that the paths name; the first that is
// wrong is the evidence.
func (e *evaluator) filePermissions(p *baselines.FilePermissions) outcome {
	mode, err := strconv.ParseUint(p.Mode, 8, 12)
	if err != nil {
		return unknown(err)
	}
	a := access{mode: uint32(mode), owner: p.Owner, group: p.Group}
	var good *outcome
	for _, pattern := range p.Paths {
		names, err := e.h.Glob(pattern)
		if err != nil {
			return unknown(err)
		}
		for _, name := range names {
			info, err := e.h.Stat(name)
			if host.Absent(err) {
				continue
			}
			if err != nil {
				return unknown(err)
			}
			if e.h.Readlink(name) == "/dev/null" {
				continue // a mask: nobody's file
			}
			o := e.access(info, a)
			if o.state == Fail {
				return o
			}
			good = &o
		}
	}
	if good != nil {
		return *good
	}
	state := p.Missing
	if state == "" {
		state = "notApplicable"
	}
	return missing(state, Evidence{Path: p.Paths[0], Found: "absent", Note: p.Paths[0] + " does not exist"})
}

// access is who may own a file and which mode bits it may have.
type access struct {
	mode         uint32
	owner, group []string
}

func (e *evaluator) access(info host.Info, a access) outcome {
	owner, group := e.h.UserName(info.UID), e.h.GroupName(info.GID)
	ev := Evidence{
		Path:   info.Path,
		Found:  fmt.Sprintf("%04o %s:%s", info.Bits(), owner, group),
		Wanted: fmt.Sprintf("%04o or less, %s:%s", a.mode, anyName(a.owner), anyName(a.group)),
	}
	ok := info.Bits()&^a.mode == 0 &&
		(len(a.owner) == 0 || slices.Contains(a.owner, owner)) &&
		(len(a.group) == 0 || slices.Contains(a.group, group))
	return when(ok, ev)
}

func anyName(names []string) string {
	if len(names) == 0 {
		return "any"
	}
	return strings.Join(names, "|")
}

func (e *evaluator) worldWritable(p *baselines.Paths) outcome {
	skipped := ""
	for _, dir := range p.Paths {
		w, err := e.h.WorldWritable(dir)
		if err != nil {
			return unknown(err)
		}
		if w.Found != nil {
			return fail(Evidence{Path: w.Found.Path, Found: fmt.Sprintf("%04o", w.Found.Bits()), Wanted: "not writable for everybody"})
		}
		if skipped == "" {
			skipped = w.Skipped
		}
	}
	if skipped != "" {
		return unknown(&host.Unreadable{Path: skipped, Reason: "permission denied"})
	}
	return pass(Evidence{Path: p.Paths[0], Found: "nothing is writable for everybody"})
}

// stickyDirectory wants directories that everybody may write to to keep users
// from one another's files.
func (e *evaluator) stickyDirectory(p *baselines.Paths) outcome {
	result := inapplicable("none of " + strings.Join(p.Paths, ", ") + " exists")
	for _, dir := range p.Paths {
		info, err := e.h.Stat(dir)
		if host.Absent(err) {
			continue
		}
		if err != nil {
			return unknown(err)
		}
		ev := Evidence{Path: dir, Found: fmt.Sprintf("%04o", info.Bits()), Wanted: "1777 or closed to others"}
		if info.Bits()&0o002 != 0 && info.Bits()&0o1000 == 0 {
			return fail(ev)
		}
		result = pass(ev)
	}
	return result
}

func (e *evaluator) mountPoint(p *baselines.OnPath) outcome {
	m, ok, err := e.h.MountAt(p.Path)
	if err != nil {
		return unknown(err)
	}
	if !ok {
		return fail(Evidence{Path: p.Path, Found: "part of another file system", Wanted: "a file system of its own"})
	}
	return pass(Evidence{Path: p.Path, Found: m.Type + " on " + m.Device})
}

func (e *evaluator) mountOption(p *baselines.MountOption) outcome {
	m, ok, err := e.h.MountAt(p.Path)
	if err != nil {
		return unknown(err)
	}
	if !ok {
		return inapplicable(p.Path + " is not a file system of its own")
	}
	ev := Evidence{Path: p.Path, Found: strings.Join(m.Options, ","), Wanted: "with " + strings.Join(p.Options, ", ")}
	for _, option := range p.Options {
		if !slices.Contains(m.Options, option) {
			return fail(ev)
		}
	}
	return pass(ev)
}

func (e *evaluator) diskEncrypted(p *baselines.OnPath) outcome {
	device, encrypted, ok, err := e.h.Encrypted(p.Path)
	if err != nil {
		return unknown(err)
	}
	if !ok {
		return inapplicable("no disk of this machine is behind " + p.Path)
	}
	ev := Evidence{Path: device.Path, Found: device.Value + " is not encrypted by this machine", Wanted: "LUKS or dm-crypt"}
	if encrypted {
		ev.Found = device.Value + " lies on dm-crypt"
	}
	return when(encrypted, ev)
}
