package host

import (
	"strconv"
	"strings"
)

// mode reads octal permission bits; 0 if s has none.
func mode(s string) uint64 {
	n, err := strconv.ParseUint(s, 8, 16)
	if err != nil {
		return 0
	}
	return n
}

// grubConfigs are the configurations of GRUB, with the user.cfg beside each.
var grubConfigs = []string{"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/efi/EFI/*/grub.cfg", "/efi/EFI/*/grub.cfg"}

// GrubPassword finds the line that makes GRUB ask for a password before it
// changes an entry: a superuser with a password. Statements inside
// "if ... GRUB2_PASSWORD" count only if a user.cfg sets that password. exist
// is false if there is no GRUB configuration.
func (h *Host) GrubPassword() (s Setting, ok, exist bool, err error) {
	userPassword, err := h.grubUserPassword()
	if err != nil {
		return s, false, false, err
	}
	for _, pattern := range grubConfigs {
		names, err := h.Glob(pattern)
		if err != nil {
			return s, false, exist, err
		}
		for _, name := range names {
			data, err := h.Read(name)
			if Absent(err) {
				continue
			}
			if err != nil {
				return s, false, true, err
			}
			exist = true
			if found, ok := ParseGrubPassword(name, data, userPassword); ok {
				return found, true, true, nil
			}
		}
	}
	return s, false, exist, nil
}

func (h *Host) grubUserPassword() (bool, error) {
	for _, pattern := range []string{"/boot/grub2/user.cfg", "/boot/grub/user.cfg", "/boot/efi/EFI/*/user.cfg"} {
		names, err := h.Glob(pattern)
		if err != nil {
			return false, err
		}
		for _, name := range names {
			data, err := h.Read(name)
			if Absent(err) {
				continue
			}
			if err != nil {
				return false, err
			}
			for _, line := range Settings(data, "#") {
				if v, ok := strings.CutPrefix(line, "GRUB2_PASSWORD="); ok && strings.Trim(v, `"'`) != "" {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

// ParseGrubPassword finds "set superusers" of which one has a password, in
// statements that are in force.
func ParseGrubPassword(name string, data []byte, userPassword bool) (Setting, bool) {
	var conditions []bool // of the open ifs: could they hold
	var superusers []string
	var at Setting
	passwords := map[string]bool{}
	for n, line := range Settings(data, "#") {
		words := strings.Fields(strings.NewReplacer(`"`, "", "'", "", ",", " ", ";", " ").Replace(line))
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "if":
			conditions = append(conditions, !strings.Contains(line, "GRUB2_PASSWORD") || userPassword)
			continue
		case "fi":
			conditions = conditions[:max(0, len(conditions)-1)]
			continue
		}
		for _, holds := range conditions {
			if !holds {
				words = []string{""}
			}
		}
		switch {
		case words[0] == "set" && len(words) > 1 && strings.HasPrefix(words[1], "superusers="):
			words[1] = strings.TrimPrefix(words[1], "superusers=")
			superusers, at = words[1:], Setting{Value: "a superuser with a password", Path: name, Line: n}
		case (words[0] == "password" || words[0] == "password_pbkdf2") && len(words) > 2:
			passwords[words[1]] = true
		}
	}
	for _, u := range superusers {
		if passwords[u] {
			return at, true
		}
	}
	return Setting{}, false
}
