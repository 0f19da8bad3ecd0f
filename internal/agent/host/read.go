package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of what is read; a host may hold anything.
const (
	maxFile     = 4 << 20   // one configuration file
	maxDatabase = 256 << 20 // one package database or list
	maxEntries  = 1 << 17   // names of one directory
	maxGlob     = 4096      // matches of one pattern
	maxLinks    = 32        // symbolic links in one path
)

// Unreadable says that a file is there but could not be read, and why. What
// depends on it is unknown.
type Unreadable struct {
	Path   string
	Reason string
}

func (e *Unreadable) Error() string { return e.Path + ": " + e.Reason }

// Absent reports whether an error means that a file does not exist.
func Absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// Read returns a regular file's content. The error is fs.ErrNotExist if there
// is no such file and *Unreadable if it cannot be read: no permission, not a
// regular file, too large.
func (h *Host) Read(name string) ([]byte, error) {
	if f, ok := h.files[name]; ok {
		return f.data, f.err
	}
	data, err := h.readUpTo(name, maxFile)
	h.files[name] = file{data, err}
	return data, err
}

func (h *Host) readUpTo(name string, limit int64) ([]byte, error) {
	f, err := h.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	if int64(len(data)) > limit {
		return nil, &Unreadable{name, fmt.Sprintf("larger than %d bytes", limit)}
	}
	return data, nil
}

// open opens a regular file without ever waiting for it: a FIFO in its place
// would block an ordinary open for good.
func (h *Host) open(name string) (*os.File, error) {
	real, err := h.resolve(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	h.touch(Touch{Path: name, Read: true})
	f, err := os.OpenFile(real, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, unreadable(name, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, unreadable(name, err)
	}
	return f, nil
}

// unreadable turns an error of the operating system into one of this package.
func unreadable(name string, err error) error {
	var known *Unreadable
	if errors.As(err, &known) {
		return known
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	switch {
	case Absent(err) || errors.Is(err, errNotDir):
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return &Unreadable{name, "permission denied"}
	}
	return &Unreadable{name, err.Error()}
}

// Stat describes what a path names, symbolic links followed below the root.
func (h *Host) Stat(name string) (Info, error) {
	real, err := h.resolve(name)
	if err != nil {
		return Info{}, unreadable(name, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return Info{}, unreadable(name, err)
	}
	return infoOf(name, info), nil
}

// There reports whether something is at the path; the error says that this
// could not be looked at, so that "no" is an answer.
func (h *Host) There(name string) (bool, error) {
	_, err := h.Stat(name)
	if Absent(err) {
		return false, nil
	}
	return err == nil, err
}

// Exists reports whether something is at the path; a path behind a directory
// that may not be searched does not exist for us.
func (h *Host) Exists(name string) bool {
	_, err := h.Stat(name)
	return err == nil
}

// List returns the names in a directory, sorted.
func (h *Host) List(dir string) ([]string, error) {
	real, err := h.resolve(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	h.touch(Touch{Path: dir, Listed: true})
	d, err := os.Open(real)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	defer d.Close()
	names, err := d.Readdirnames(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, unreadable(dir, err)
	}
	if len(names) == maxEntries {
		return nil, &Unreadable{dir, fmt.Sprintf("more than %d entries", maxEntries)}
	}
	slices.Sort(names)
	return names, nil
}

// Readlink returns the target of a symbolic link, "" if the path is not one.
func (h *Host) Readlink(name string) string {
	dir, err := h.resolve(path.Dir(name))
	if err != nil {
		return ""
	}
	target, err := os.Readlink(filepath.Join(dir, path.Base(name)))
	if err != nil {
		return ""
	}
	return target
}

// Glob returns the existing paths that a pattern matches, sorted; patterns
// have * and ? in any segment. A directory on the way that may not be listed
// is an error. A path without wildcard is returned as it is.
func (h *Host) Glob(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	matches := []string{"/"}
	for seg := range strings.SplitSeq(strings.Trim(path.Clean(pattern), "/"), "/") {
		next, err := h.globSegment(matches, seg)
		if err != nil {
			return nil, err
		}
		if len(next) > maxGlob {
			return nil, &Unreadable{pattern, fmt.Sprintf("more than %d files", maxGlob)}
		}
		matches = next
	}
	return matches, nil
}

func (h *Host) globSegment(dirs []string, seg string) ([]string, error) {
	var next []string
	for _, dir := range dirs {
		if !strings.ContainsAny(seg, "*?[") {
			if p := path.Join(dir, seg); h.Exists(p) {
				next = append(next, p)
			}
			continue
		}
		names, err := h.List(dir)
		if err != nil && !Absent(err) {
			return nil, err
		}
		for _, name := range names {
			if ok, _ := path.Match(seg, name); ok && (name[0] != '.' || seg[0] == '.') {
				next = append(next, path.Join(dir, name))
			}
		}
	}
	return next, nil
}

// resolve gives the real path of a name below the root. For a root other than
// "/" symbolic links are followed by hand so that none leads out of it.
func (h *Host) resolve(name string) (string, error) {
	name = path.Clean("/" + name)
	if m := h.remoteMount(name); m != "" { // not touched: to watch it may hang too
		return "", &Unreadable{name, m + " is a network file system, which may not answer"}
	}
	h.touch(Touch{Path: name})
	if h.root == "/" {
		return name, nil
	}
	done, rest, links := "/", strings.Trim(name, "/"), 0
	for rest != "" {
		var seg string
		seg, rest, _ = strings.Cut(rest, "/")
		if seg == "" || seg == "." {
			continue
		}
		next := path.Join(done, seg) // ".." stops at the root
		target, err := os.Readlink(filepath.Join(h.root, next))
		if err != nil {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", errors.New("too many symbolic links")
		}
		if path.IsAbs(target) {
			done = "/"
		}
		rest = strings.Trim(target, "/") + "/" + rest
	}
	return filepath.Join(h.root, done), nil
}

// signature changes when a file does.
func (h *Host) signature(name string) string {
	info, err := h.Stat(name)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %d %d", name, info.Size, info.Modified.UnixNano(), info.Inode)
}
