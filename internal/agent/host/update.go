package host

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// Update is an installed package of which the local package lists know a
// newer version.
type Update struct {
	Name      string `json:"name"`
	Installed string `json:"installed"`
	Candidate string `json:"candidate"`
	Security  bool   `json:"security"`
}

// Updates are the pending updates as of the newest package list.
type Updates struct {
	Pending []Update  // sorted by name
	Listed  time.Time // when the newest list was fetched
	// SecuritySource is true if there is a list of a security suite.
	SecuritySource bool
}

const aptLists = "/var/lib/apt/lists"

// Updates compares the installed packages with apt's local lists; nothing is
// fetched. The error is *Unreadable where there are no lists to compare with.
func (h *Host) Updates() (*Updates, error) {
	return memo(h, "updates", func() (*Updates, error) {
		packages, err := h.Packages()
		if err != nil {
			return nil, err
		}
		if packages.Manager != "dpkg" {
			return nil, &Unreadable{"/var/lib", "pending updates of " + packages.Manager + " cannot be told from local data"}
		}
		names, err := h.List(aptLists)
		if err != nil && !Absent(err) {
			return nil, err
		}
		u := &Updates{}
		candidates := map[string]candidate{}
		for _, name := range names {
			if !strings.Contains(name, "_Packages") {
				continue
			}
			u.SecuritySource = u.SecuritySource || strings.Contains(name, "-security")
			if h.notAutomatic(name, names) {
				continue // backports and the like are taken only when asked for
			}
			if err := h.addCandidates(candidates, path.Join(aptLists, name)); err != nil {
				return nil, err
			}
			if info, err := h.Stat(path.Join(aptLists, name)); err == nil && info.Modified.After(u.Listed) {
				u.Listed = info.Modified
			}
		}
		if u.Listed.IsZero() {
			return nil, &Unreadable{aptLists, "there are no package lists; run apt update"}
		}
		u.Pending = pending(packages, candidates)
		return u, nil
	})
}

// notAutomatic reports whether the release that a list belongs to says that its
// packages are not for automatic installation (apt_preferences(5)).
func (h *Host) notAutomatic(list string, names []string) bool {
	for _, suffix := range []string{"_InRelease", "_Release"} {
		for _, name := range names {
			suite, ok := strings.CutSuffix(name, suffix)
			if !ok || !strings.HasPrefix(list, suite+"_") {
				continue
			}
			data, err := h.Read(path.Join(aptLists, name))
			if err != nil {
				continue
			}
			for _, line := range Lines(data) {
				if value, ok := strings.CutPrefix(line, "NotAutomatic:"); ok && isTrue(strings.TrimSpace(value)) {
					return true
				}
			}
		}
	}
	return false
}

// candidate is the newest version that the lists know of a package, and the
// newest in a security repository, "" if it is in none.
type candidate struct{ version, security string }

func newer(a, b string) string {
	if a == "" || CompareDebian(a, b) < 0 {
		return b
	}
	return a
}

// pending keeps the candidates that are newer than what is installed.
func pending(packages *Packages, candidates map[string]candidate) []Update {
	var all []Update
	for _, p := range packages.All {
		c, ok := candidates[p.Name+" "+p.Arch]
		if ok && CompareDebian(p.Version, c.version) < 0 {
			security := c.security != "" && CompareDebian(p.Version, c.security) < 0
			all = append(all, Update{Name: p.Name, Installed: p.Version, Candidate: c.version, Security: security})
		}
	}
	slices.SortFunc(all, func(a, b Update) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// addCandidates merges one list, parsed at most once per version of the file.
func (h *Host) addCandidates(into map[string]candidate, name string) error {
	versions, err := memoCached(h, name, h.signature(name)+h.signature("/var/lib/dpkg/status"), func() (map[string]string, error) {
		return h.readList(name)
	})
	if err != nil {
		return err
	}
	security := strings.Contains(name, "-security")
	for key, version := range versions {
		c := into[key]
		c.version = newer(c.version, version)
		if security {
			c.security = newer(c.security, version)
		}
		into[key] = c
	}
	return nil
}

// readList reads the versions of installed packages from one list.
func (h *Host) readList(name string) (map[string]string, error) {
	f, err := h.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := decompress(path.Ext(name), f)
	if err != nil {
		return nil, &Unreadable{name, err.Error()}
	}
	packages, err := h.Packages()
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(packages.All))
	for _, p := range packages.All {
		wanted[p.Name] = true
	}
	versions, err := ParsePackageList(io.LimitReader(r, maxDatabase), wanted)
	if err != nil {
		return nil, &Unreadable{name, err.Error()}
	}
	return versions, nil
}

// errFormat is a compression that this program does not read.
type errFormat string

func (e errFormat) Error() string { return "lists compressed as " + string(e) + " are not read" }

func decompress(ext string, r io.Reader) (io.Reader, error) {
	switch ext {
	case ".lz4":
		return newLZ4Reader(r)
	case ".gz":
		return gzip.NewReader(r)
	case ".xz", ".bz2", ".zst", ".lzma":
		return nil, errFormat(ext[1:])
	}
	return r, nil
}

// ParsePackageList reads a Packages index and returns the newest version by
// "name arch" of the wanted packages.
func ParsePackageList(r io.Reader, wanted map[string]bool) (map[string]string, error) {
	newest := map[string]string{}
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), 1<<20)
	var name, version, arch string
	flush := func() {
		key := name + " " + arch
		if name != "" && version != "" && (newest[key] == "" || CompareDebian(newest[key], version) < 0) {
			newest[key] = version
		}
		name, version, arch = "", "", ""
	}
	for scanner.Scan() {
		line := scanner.Bytes()
		switch {
		case len(line) == 0:
			flush()
		case bytes.HasPrefix(line, []byte("Package: ")):
			if p := line[len("Package: "):]; wanted[string(p)] {
				name = string(p)
			}
		case name == "":
		case bytes.HasPrefix(line, []byte("Version: ")):
			version = string(line[len("Version: "):])
		case bytes.HasPrefix(line, []byte("Architecture: ")):
			arch = string(line[len("Architecture: "):])
		}
	}
	flush()
	return newest, scanner.Err()
}

// RebootPending says why the host waits for a restart: a flag of the package
// manager, or a kernel that is installed and newer than the running one. The
// error is *Unreadable where the running kernel is not known.
func (h *Host) RebootPending() (s Setting, pending bool, err error) {
	for _, flag := range []string{"/run/reboot-required", "/var/run/reboot-required", "/run/reboot-needed", "/boot/do_purge_kernels"} {
		there, err := h.There(flag)
		if err != nil {
			return s, false, err
		}
		if there {
			return Setting{Value: "a restart is required", Path: flag}, true, nil
		}
	}
	running := h.line("/proc/sys/kernel/osrelease")
	if running == "" {
		return s, false, &Unreadable{"/proc/sys/kernel/osrelease", "the running kernel is not known"}
	}
	installed, err := h.List("/lib/modules")
	if err != nil && !Absent(err) {
		return s, false, err
	}
	if !slices.Contains(installed, running) {
		return Setting{Value: "the running kernel " + running + " is none of the installed ones", Path: "/lib/modules"}, false, nil
	}
	for _, kernel := range installed {
		if kernelFlavour(kernel) == kernelFlavour(running) && CompareDebian(kernel, running) > 0 && h.Exists("/lib/modules/"+kernel+"/modules.dep") {
			return Setting{Value: "kernel " + kernel + " is installed, " + running + " runs", Path: "/lib/modules"}, true, nil
		}
	}
	return Setting{Value: "the newest installed kernel runs", Path: "/lib/modules"}, false, nil
}

// kernelFlavour is the last word of a release such as "amd64" or "x86_64".
func kernelFlavour(release string) string {
	return release[strings.LastIndexAny(release, "-.")+1:]
}
