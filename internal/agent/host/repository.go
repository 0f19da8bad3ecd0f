package host

import (
	"path"
	"strings"
)

// section is one [section] of an ini file.
type section struct {
	name   string
	line   int
	values map[string]Setting
}

// sections reads ini text as dnf does; keys are lower case, the last wins.
func sections(name string, data []byte) []section {
	var all []section
	for n, line := range Settings(data, "#;") {
		if strings.HasPrefix(line, "[") {
			title, _, _ := strings.Cut(line[1:], "]")
			all = append(all, section{strings.TrimSpace(title), n, map[string]Setting{}})
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if ok && len(all) > 0 {
			all[len(all)-1].values[strings.ToLower(strings.TrimSpace(key))] = Setting{Value: strings.TrimSpace(value), Path: name, Line: n}
		}
	}
	return all
}

// isTrue reads a boolean of dnf and apt.
func isTrue(s string) bool {
	switch strings.ToLower(s) {
	case "1", "yes", "true", "on", "enable", "with":
		return true
	}
	return false
}

// UnsignedRepository finds an enabled repository of dnf, yum or zypper of
// which packages are installed without a check of their signature: its own
// gpgcheck, else that of [main], which is off by default upstream.
func (h *Host) UnsignedRepository() (s Setting, found bool, err error) {
	main := Setting{Value: "0", Path: "/etc/dnf/dnf.conf"}
	for _, name := range []string{"/etc/yum.conf", "/etc/zypp/zypp.conf", "/usr/share/dnf5/libdnf.conf.d/20-fedora-defaults.conf", "/etc/dnf/dnf.conf"} {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return s, false, err
		}
		for _, sec := range sections(name, data) {
			if v, ok := sec.values["gpgcheck"]; ok && sec.name == "main" {
				main = v
			}
		}
	}
	for _, dir := range []string{"/etc/yum.repos.d", "/etc/zypp/repos.d"} {
		names, err := h.Glob(dir + "/*.repo")
		if err != nil {
			return s, false, err
		}
		for _, name := range names {
			data, err := h.Read(name)
			if err != nil && !Absent(err) {
				return s, false, err
			}
			for _, sec := range sections(name, data) {
				check, own := sec.values["gpgcheck"]
				if !own {
					check = main
				}
				if enabled, ok := sec.values["enabled"]; ok && !isTrue(enabled.Value) || isTrue(check.Value) {
					continue
				}
				if !own {
					check.Path, check.Line = name, sec.line
				}
				check.Value = "repository " + sec.name + " without gpgcheck"
				return check, true, nil
			}
		}
	}
	if !isTrue(main.Value) {
		main.Value = "gpgcheck is off for what names no repository"
		return main, true, nil
	}
	return s, false, nil
}

// UntrustedSource finds an apt source that is taken without a signature.
func (h *Host) UntrustedSource() (s Setting, found bool, err error) {
	names, err := h.Glob("/etc/apt/sources.list.d/*")
	if err != nil {
		return s, false, err
	}
	for _, name := range append([]string{"/etc/apt/sources.list"}, names...) {
		if ext := path.Ext(name); ext != ".list" && ext != ".sources" {
			continue
		}
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return s, false, err
		}
		for n, line := range Settings(data, "#") {
			if unsignedSource(strings.ToLower(line), path.Ext(name) == ".sources") {
				return Setting{Value: line, Path: name, Line: n}, true, nil
			}
		}
	}
	return s, false, nil
}

func unsignedSource(line string, deb822 bool) bool {
	options := []string{"trusted", "allow-insecure", "allow-weak"}
	if deb822 {
		key, value, _ := strings.Cut(line, ":")
		for _, o := range options {
			if strings.TrimSpace(key) == o && isTrue(strings.TrimSpace(value)) {
				return true
			}
		}
		return false
	}
	_, rest, ok := strings.Cut(line, "[")
	inside, _, closed := strings.Cut(rest, "]")
	if !ok || !closed {
		return false
	}
	for _, word := range strings.Fields(inside) {
		key, value, _ := strings.Cut(word, "=")
		for _, o := range options {
			if key == o && isTrue(value) {
				return true
			}
		}
	}
	return false
}

// AutomaticUpdates finds what installs updates by itself. ok is false, with
// the reason, if nothing does.
func (h *Host) AutomaticUpdates() (s Setting, ok bool, err error) {
	packages, packagesErr := h.Packages()
	if packagesErr == nil {
		if _, installed := packages.Find("unattended-upgrades"); installed {
			return h.unattendedUpgrades()
		}
	}
	for _, timer := range []string{"dnf-automatic-install.timer", "dnf-automatic.timer", "dnf5-automatic.timer", "yum-cron.service", "transactional-update.timer", "yast2-online-update.timer"} {
		u, there, err := h.Unit(timer)
		if err != nil {
			return s, false, err
		}
		if !there || !strings.HasPrefix(u.State, "enabled") {
			continue
		}
		if strings.HasPrefix(timer, "dnf-automatic.") || strings.HasPrefix(timer, "dnf5") || strings.HasPrefix(timer, "yum-cron") {
			apply, set, _, err := h.KeyValue([]string{"/usr/share/dnf5/dnf5-plugins/automatic.conf", "/etc/yum/yum-cron.conf", "/etc/dnf/automatic.conf", "/etc/dnf/dnf5-plugins/automatic.conf"}, "apply_updates", '=')
			if err != nil {
				return s, false, err
			}
			if !set || !isTrue(apply.Value) {
				return Setting{Value: timer + " is enabled, but apply_updates is off", Path: apply.Path, Line: apply.Line}, false, nil
			}
		}
		return Setting{Value: timer + " is enabled"}, true, nil
	}
	return Setting{Value: "nothing installs updates by itself"}, false, packagesErr
}

// unattendedUpgrades wants the apt settings on and the timers that act on them
// neither masked nor off.
func (h *Host) unattendedUpgrades() (s Setting, ok bool, err error) {
	for _, key := range []string{"APT::Periodic::Update-Package-Lists", "APT::Periodic::Unattended-Upgrade"} {
		v, set, err := h.AptOption(key)
		if err != nil {
			return s, false, err
		}
		if !set || v.Value == "0" || v.Value == "" {
			return Setting{Value: key + " is off", Path: v.Path, Line: v.Line}, false, nil
		}
	}
	if v, set, err := h.AptOption("APT::Periodic::Enable"); err != nil || set && v.Value == "0" {
		return Setting{Value: "APT::Periodic::Enable is off", Path: v.Path, Line: v.Line}, false, err
	}
	for _, timer := range []string{"apt-daily.timer", "apt-daily-upgrade.timer"} {
		u, there, err := h.Unit(timer)
		if err != nil {
			return s, false, err
		}
		if there && (u.State == "masked" || u.State == "disabled") {
			return Setting{Value: timer + " is " + u.State}, false, nil
		}
	}
	return Setting{Value: "unattended-upgrades"}, true, nil
}
