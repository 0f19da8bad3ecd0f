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

// RebootPending says why the host waits for a restart, "" if it does not.
func (h *Host) RebootPending() (Setting, bool) {
	const flag = "/run/reboot-required"
	if h.Exists(flag) {
		return Setting{Value: "a restart is required", Path: flag}, true
	}
	return Setting{Path: flag}, false
}
