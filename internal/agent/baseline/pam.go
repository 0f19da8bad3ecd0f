package baseline

import (
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

// pamSetting wants the setting right in every service that exists: people sign
// in through any of them.
func (e *evaluator) pamSetting(p *baselines.PAMSetting) outcome {
	result := inapplicable("none of the PAM services " + strings.Join(p.Services, ", ") + " exists")
	for _, service := range p.Services {
		stack, err := e.h.PAM(service)
		if host.Absent(err) {
			continue
		}
		if err != nil {
			return unknown(err)
		}
		s, found, err := e.pamValue(p, stack)
		switch {
		case err != nil:
			return unknown(err)
		case !found:
			return fail(Evidence{Path: "/etc/pam.d/" + service, Found: p.Module + " is not used", Wanted: p.Key + " " + wanted(p.Compare)})
		}
		o := compare(p.Compare, s)
		o.evidence.Found = p.Key + " " + o.evidence.Found
		if o.state == Fail {
			return o
		}
		result = o
	}
	return result
}

// pamValue is the setting that the first line with the module and the argument
// has; without one, that of the files, then the default.
func (e *evaluator) pamValue(p *baselines.PAMSetting, stack []host.PAMEntry) (s host.Setting, found bool, err error) {
	for _, entry := range stack {
		if entry.Module != p.Module+".so" || p.Type != "" && entry.Type != p.Type {
			continue
		}
		if !found {
			s = host.Setting{Path: entry.Path, Line: entry.Line, Value: p.Default}
		}
		found = true
		for _, a := range entry.Arguments {
			if key, value, _ := strings.Cut(a, "="); key == p.Key {
				return host.Setting{Value: value, Path: entry.Path, Line: entry.Line}, true, nil
			}
		}
	}
	if !found {
		return s, false, nil
	}
	v, set, _, err := e.h.KeyValue(p.Paths, p.Key, '=')
	if err == nil && set {
		text, _, _ := strings.Cut(v.Value, "#") // these files have comments behind values
		v.Value = strings.TrimSpace(text)
		s = v
	}
	return s, true, err
}
