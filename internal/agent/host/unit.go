package host

import (
	"path"
	"slices"
	"strings"
)

// Unit is a systemd unit as the file system shows it: no bus is asked.
type Unit struct {
	Name string `json:"name"`
	// State is enabled, disabled, static (nothing to enable), masked or
	// enabled-runtime.
	State string `json:"state"`
	// Active is "active" or "inactive"; "unknown" where systemd does not run.
	Active string `json:"active"`
}

// unitDirs hold unit files, the most important first.
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// SystemdRuns reports whether systemd manages this host now.
func (h *Host) SystemdRuns() bool { return h.Exists("/run/systemd/system") }

// Units are the services, sockets and timers with a unit file, by name.
func (h *Host) Units() (map[string]Unit, error) {
	return memo(h, "units", func() (map[string]Unit, error) {
		units := map[string]Unit{}
		for _, dir := range unitDirs {
			if err := h.addUnits(units, dir); err != nil {
				return nil, err
			}
		}
		if err := h.markEnabled(units); err != nil {
			return nil, err
		}
		h.markActive(units)
		return units, nil
	})
}

func (h *Host) addUnits(units map[string]Unit, dir string) error {
	names, err := h.List(dir)
	if err != nil && !Absent(err) {
		return err
	}
	for _, name := range names {
		if _, known := units[name]; known || !unitName(name) {
			continue
		}
		target := h.Readlink(path.Join(dir, name))
		u := Unit{Name: name, State: "disabled", Active: "unknown"}
		info, statErr := h.Stat(path.Join(dir, name))
		switch {
		case target == "/dev/null", statErr == nil && info.Size == 0 && info.Mode.IsRegular():
			u.State = "masked" // an empty file masks too
		case target != "" && path.Base(target) != name:
			u.State = "alias " + path.Base(target)
		case !h.installable(path.Join(dir, name)):
			u.State = "static"
		}
		units[name] = u
	}
	return nil
}

func unitName(name string) bool {
	switch path.Ext(name) {
	case ".service", ".socket", ".timer":
		return true
	}
	return false
}

// installable reports whether a unit file has an [Install] section.
func (h *Host) installable(file string) bool {
	data, err := h.Read(file)
	if err != nil {
		return true
	}
	for _, line := range Settings(data, "#;") {
		if line == "[Install]" {
			return true
		}
	}
	return false
}

// markEnabled reads the links of *.wants and *.requires, and the start links of
// System V scripts.
func (h *Host) markEnabled(units map[string]Unit) error {
	for _, d := range []struct{ dir, state string }{
		{"/lib/systemd/system", "enabled"}, {"/usr/lib/systemd/system", "enabled"}, {"/usr/local/lib/systemd/system", "enabled"},
		{"/run/systemd/system", "enabled-runtime"}, {"/etc/systemd/system", "enabled"},
	} {
		names, err := h.List(d.dir)
		if err != nil && !Absent(err) {
			return err
		}
		for _, name := range names {
			if ext := path.Ext(name); ext != ".wants" && ext != ".requires" {
				continue
			}
			links, err := h.List(path.Join(d.dir, name))
			if Absent(err) {
				continue // a file of that name, or it has just gone
			}
			if err != nil {
				return err
			}
			for _, link := range links {
				if h.Readlink(path.Join(d.dir, name, link)) != "/dev/null" {
					enable(units, link, d.state)
				}
			}
		}
	}
	return h.markSysV(units)
}

func enable(units map[string]Unit, name, state string) {
	u, known := units[name]
	if !known {
		u = Unit{Name: name, Active: "unknown"}
	}
	if u.State != "masked" {
		u.State = state
		units[name] = u
	}
}

// markSysV counts a script with a start link in runlevel 2 to 5 as a service,
// unless a unit of that name replaces it.
func (h *Host) markSysV(units map[string]Unit) error {
	for _, dir := range []string{"/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d", "/etc/rc.d/rc3.d", "/etc/rc.d/rc5.d"} {
		names, err := h.List(dir)
		if err != nil && !Absent(err) {
			return err
		}
		for _, name := range names {
			if len(name) < 4 || name[0] != 'S' {
				continue
			}
			service := name[3:] + ".service"
			if _, known := units[service]; !known && (h.Exists("/etc/init.d/"+name[3:]) || h.Exists("/etc/rc.d/init.d/"+name[3:])) {
				enable(units, service, "enabled")
			}
		}
	}
	return nil
}

// markActive finds the units that own a process.
func (h *Host) markActive(units map[string]Unit) {
	if !h.SystemdRuns() {
		return
	}
	active := map[string]bool{}
	for _, p := range h.Processes() {
		active[p.Unit] = true
	}
	for name, u := range units {
		if path.Ext(name) != ".service" {
			continue // sockets and timers own no process
		}
		u.Active = "inactive"
		if active[name] {
			u.Active = "active"
		}
		units[name] = u
	}
}

// Unit finds a unit by name or alias; ".service" is understood.
func (h *Host) Unit(name string) (u Unit, ok bool, err error) {
	units, err := h.Units()
	if err != nil {
		return Unit{}, false, err
	}
	if !unitName(name) {
		name += ".service"
	}
	for range 4 { // aliases of aliases
		u, ok = units[name]
		target, alias := strings.CutPrefix(u.State, "alias ")
		if !ok || !alias {
			return u, ok, nil
		}
		name = target
	}
	return Unit{}, false, nil
}

// Services are the units as a sorted list, aliases left out.
func (h *Host) Services() ([]Unit, error) {
	units, err := h.Units()
	if err != nil {
		return nil, err
	}
	list := make([]Unit, 0, len(units))
	for _, u := range units {
		if !strings.HasPrefix(u.State, "alias ") {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b Unit) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
