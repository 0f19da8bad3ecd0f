package host

import (
	"path"
	"slices"
	"strings"
)

// ServiceOn says what starts or runs a service: a systemd unit (its instances,
// socket and path included), an OpenRC or runit entry, a System V link, an
// entry of xinetd, or a process. "" means that all of them were looked at and
// none does; the error is *Unreadable where none could be looked at.
func (h *Host) ServiceOn(unit string) (how string, err error) {
	name := strings.TrimSuffix(strings.TrimSuffix(unit, ".service"), ".socket")
	managed := false
	for _, look := range []func(string) (string, bool, error){h.unitOn, h.openrcOn, h.runitOn, h.xinetdOn} {
		how, known, err := look(name)
		if err != nil || how != "" {
			return how, err
		}
		managed = managed || known
	}
	for _, p := range h.Processes() {
		if !p.Contained && (p.Name == shortName(name) || p.Name == shortName(name+"d")) {
			return "process " + p.Name + " runs", nil
		}
	}
	if !managed && len(h.Processes()) == 0 {
		return "", &Unreadable{unitDirs[0], "no service manager was found here"}
	}
	return "", nil
}

// shortName is a process name as the kernel keeps it.
func shortName(name string) string { return name[:min(len(name), 15)] }

// unitOn looks at the units of a service and at the instances of its template.
func (h *Host) unitOn(name string) (how string, known bool, err error) {
	units, err := h.Units()
	if err != nil {
		return "", false, err
	}
	for _, full := range []string{name + ".service", name + ".socket", name + ".path"} {
		u, ok, err := h.Unit(full)
		if err != nil {
			return "", false, err
		}
		if ok && unitStarts(u) {
			return u.Name + " is " + unitState(u), true, nil
		}
	}
	for _, u := range units {
		base, instance, ok := strings.Cut(u.Name, "@")
		if ok && base == name && !strings.HasPrefix(instance, ".") && unitStarts(u) {
			return u.Name + " is " + unitState(u), true, nil
		}
	}
	return "", len(units) > 0, nil
}

func unitStarts(u Unit) bool {
	return u.State != "masked" && (strings.HasPrefix(u.State, "enabled") || u.Active == "active")
}

func unitState(u Unit) string {
	if strings.HasPrefix(u.State, "enabled") {
		return u.State
	}
	return u.Active
}

// openrcOn looks into the runlevels of OpenRC.
func (h *Host) openrcOn(name string) (how string, known bool, err error) {
	levels, err := h.List("/etc/runlevels")
	if Absent(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	for _, level := range levels {
		names, err := h.List(path.Join("/etc/runlevels", level))
		if err != nil && !Absent(err) {
			return "", false, err
		}
		if slices.Contains(names, name) {
			return name + " starts in runlevel " + level, true, nil
		}
	}
	return "", true, nil
}

// runitOn looks for a service directory without the file "down".
func (h *Host) runitOn(name string) (how string, known bool, err error) {
	for _, dir := range []string{"/etc/service", "/var/service", "/service", "/etc/runit/runsvdir/default"} {
		there, err := h.There(dir)
		if err != nil {
			return "", false, err
		}
		known = known || there
		service := path.Join(dir, name)
		if h.Exists(service) && !h.Exists(service+"/down") {
			return service + " starts it", true, nil
		}
	}
	return "", known, nil
}

// xinetdOn looks for an entry of xinetd that is not disabled, where xinetd
// itself starts.
func (h *Host) xinetdOn(name string) (how string, known bool, err error) {
	names, err := h.Glob("/etc/xinetd.d/*")
	if err != nil || len(names) == 0 || name == "xinetd" {
		return "", false, err
	}
	if how, err := h.ServiceOn("xinetd.service"); err != nil || how == "" {
		return "", false, err
	}
	for _, file := range names {
		data, err := h.Read(file)
		if Absent(err) {
			continue
		}
		if err != nil {
			return "", false, err
		}
		disable, _ := ParseKeyValue(file, data, "disable", '=')
		server, _ := ParseKeyValue(file, data, "server", '=')
		program := strings.TrimPrefix(path.Base(server.Value), "in.")
		same := path.Base(file) == name || program == name || program == name+"d" || program == strings.TrimSuffix(name, "d")
		if same && !strings.EqualFold(disable.Value, "yes") {
			return file + " starts it through xinetd", false, nil
		}
	}
	return "", false, nil
}
