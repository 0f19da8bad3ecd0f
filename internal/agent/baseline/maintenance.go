package baseline

import (
	"strconv"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

// settled judges a fact that is there or not.
func settled(s host.Setting, ok bool, err error) func(wanted string) outcome {
	return func(wanted string) outcome {
		if err != nil {
			return unknown(err)
		}
		found := s.Value
		if found == "" && !ok {
			found = "none"
		}
		return when(ok, Evidence{Path: s.Path, Line: s.Line, Found: found, Wanted: wanted})
	}
}

func (e *evaluator) grubPassword() outcome {
	s, ok, exist, err := e.h.GrubPassword()
	if err == nil && !exist {
		return inapplicable("GRUB is not the boot loader here")
	}
	return settled(s, ok, err)("a superuser of the boot loader with a password")
}

func (e *evaluator) logCreateMode(p *baselines.LogCreateMode) outcome {
	limit, err := strconv.ParseUint(p.Mode, 8, 12)
	if err != nil {
		return unknown(err)
	}
	s, ok, err := e.h.LogCreateMode()
	if err != nil {
		return unknown(err)
	}
	want := "a FileCreateMode of " + p.Mode + " or less"
	if !ok {
		return fail(Evidence{Path: "/etc/rsyslog.conf", Found: "FileCreateMode is not set, so 0644", Wanted: want})
	}
	mode, err := strconv.ParseUint(s.Value, 8, 16)
	if err != nil {
		return unknown(err)
	}
	return when(mode&^limit == 0, Evidence{Path: s.Path, Line: s.Line, Found: "FileCreateMode " + s.Value, Wanted: want})
}

// repositorySignatures looks at the sources of whichever package manager the
// host has.
func (e *evaluator) repositorySignatures() outcome {
	const want = "signatures checked for every source"
	for _, look := range []func() (host.Setting, bool, error){e.h.UnsignedRepository, e.h.UntrustedSource} {
		if e.release.Family() == "debian" {
			look = e.h.UntrustedSource
		}
		s, found, err := look()
		if err != nil {
			return unknown(err)
		}
		if found {
			return fail(Evidence{Path: s.Path, Line: s.Line, Found: s.Value, Wanted: want})
		}
	}
	return pass(Evidence{Found: "every enabled source is checked", Wanted: want})
}

func (e *evaluator) systemdSetting(p *baselines.SystemdSetting) outcome {
	s, ok, err := e.h.SystemdSetting(p.File, p.Key)
	switch {
	case err != nil:
		return unknown(err)
	case !ok:
		return compareMissing(p.Compare, "/etc/systemd/"+p.File, p.Key)
	}
	return compare(p.Compare, s)
}
