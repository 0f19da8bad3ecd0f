package host

import (
	"path"
	"slices"
	"strings"
)

// DropIns are the configuration files of several directories in the order in
// which they apply: by name, where a name in a more important directory (dirs
// go from the most important down) hides the others, and a link to /dev/null
// or an empty file masks them.
func (h *Host) DropIns(dirs []string, suffix string) ([]string, error) {
	byName := map[string]string{}
	for _, dir := range slices.Backward(dirs) {
		names, err := h.List(dir)
		if err != nil && !Absent(err) {
			return nil, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".") {
				byName[name] = path.Join(dir, name)
			}
		}
	}
	var files []string
	for _, file := range byName {
		if h.Readlink(file) != "/dev/null" {
			files = append(files, file)
		}
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(path.Base(a), path.Base(b)) })
	return files, nil
}

// SystemdSetting is a setting of a systemd configuration file such as
// "journald.conf": the main file of /etc or else of the vendor, then the
// drop-ins of all directories by name; the last one wins, and an empty value
// is as if none was set.
func (h *Host) SystemdSetting(file, key string) (s Setting, ok bool, err error) {
	dirs := []string{"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"}
	var files []string
	for _, dir := range dirs {
		there, err := h.There(path.Join(dir, file))
		if err != nil {
			return s, false, err
		}
		if there {
			files = append(files, path.Join(dir, file))
			break
		}
	}
	for i := range dirs {
		dirs[i] = path.Join(dirs[i], file+".d")
	}
	more, err := h.DropIns(dirs, ".conf")
	if err != nil {
		return s, false, err
	}
	for _, name := range append(files, more...) {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return s, ok, err
		}
		if v, has := ParseKeyValue(name, data, key, '='); has {
			s, ok = v, v.Value != ""
		}
	}
	return s, ok, nil
}
