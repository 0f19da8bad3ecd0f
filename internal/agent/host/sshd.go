package host

import (
	"errors"
	"path"
	"strings"
)

// Bounds of included sshd configuration.
const (
	maxIncludeDepth = 16
	maxIncludes     = 256
)

// SSHD is the global section of an sshd configuration: the first value of an
// option wins, as sshd has it, and Match blocks are left out.
type SSHD struct {
	Options map[string]Setting // by lower-case option
	Files   []string           // read, in order
	// Unread is the first included file that could not be read; an option that
	// was not set before it is not known.
	Unread error
}

// sshdReader reads sshd_config and what it includes.
type sshdReader struct {
	dir  string // of relative includes
	glob func(pattern string) ([]string, error)
	read func(name string) ([]byte, error)
	conf *SSHD
}

// SSHD reads /etc/ssh/sshd_config. The error is fs.ErrNotExist if there is none.
func (h *Host) SSHD() (*SSHD, error) {
	return memo(h, "sshd", func() (*SSHD, error) {
		r := sshdReader{dir: "/etc/ssh", glob: h.Glob, read: h.Read, conf: &SSHD{Options: map[string]Setting{}}}
		data, err := h.Read("/etc/ssh/sshd_config")
		if err != nil {
			return nil, err
		}
		r.parse("/etc/ssh/sshd_config", data, 0)
		return r.conf, nil
	})
}

// parse reads one file; a Match block ends at the end of its file.
func (r *sshdReader) parse(name string, data []byte, depth int) {
	r.conf.Files = append(r.conf.Files, name)
	inMatch := false
	for n, line := range Settings(data, "#") {
		key, value := splitSSHD(line)
		switch {
		case key == "match":
			inMatch = !strings.EqualFold(value, "all") // "Match all" returns to everybody
		case inMatch:
		case key == "include":
			r.include(value, depth)
		default:
			r.set(key, Setting{Value: value, Path: name, Line: n})
		}
	}
}

// set keeps the first value; options of which sshd takes several are joined.
func (r *sshdReader) set(key string, s Setting) {
	old, seen := r.conf.Options[key]
	switch {
	case !seen:
		r.conf.Options[key] = s
	case sshdLists[key]:
		old.Value += " " + s.Value
		r.conf.Options[key] = old
	}
}

func (r *sshdReader) include(patterns string, depth int) {
	for _, pattern := range strings.Fields(patterns) {
		if !path.IsAbs(pattern) {
			pattern = path.Join(r.dir, pattern)
		}
		names, err := r.glob(pattern)
		if err != nil {
			r.unread(err)
			continue
		}
		for _, name := range names {
			data, err := r.read(name)
			switch {
			case Absent(err):
			case err != nil:
				r.unread(err)
			case depth >= maxIncludeDepth || len(r.conf.Files) >= maxIncludes:
				r.unread(&Unreadable{name, "included too deep or too many files"})
			default:
				r.parse(name, data, depth+1)
			}
		}
	}
}

func (r *sshdReader) unread(err error) {
	if r.conf.Unread == nil {
		r.conf.Unread = err
	}
}

// splitSSHD cuts "Option value", "Option=value" and "Option = value"; a
// comment behind the value and quotes are removed.
func splitSSHD(line string) (key, value string) {
	i := strings.IndexAny(line, " \t=")
	if i < 0 {
		return strings.ToLower(line), ""
	}
	value = strings.TrimSpace(line[i:])
	value = withoutComment(strings.TrimPrefix(value, "="))
	return strings.ToLower(line[:i]), strings.ReplaceAll(value, `"`, "")
}

// withoutComment cuts a value at a # that begins a word outside quotes.
func withoutComment(value string) string {
	quoted := false
	for i := range len(value) {
		switch {
		case value[i] == '"':
			quoted = !quoted
		case value[i] == '#' && !quoted && i > 0 && (value[i-1] == ' ' || value[i-1] == '\t'):
			return strings.TrimSpace(value[:i])
		}
	}
	return strings.TrimSpace(value)
}

// errNoSSHDefault says that this program does not know an option's default.
var errNoSSHDefault = errors.New("the option is not set and its default is not known")

// SSHDOption gives the effective global value of an option.
func (h *Host) SSHDOption(option string) (Setting, error) {
	conf, err := h.SSHD()
	if Absent(err) {
		conf, err = &SSHD{}, nil // sshd runs on its defaults
	}
	if err != nil {
		return Setting{}, err
	}
	key := strings.ToLower(option)
	if alias, ok := sshdAliases[key]; ok {
		if _, set := conf.Options[key]; !set {
			key = alias
		}
	}
	set, ok := conf.Options[key]
	if !ok && conf.Unread != nil {
		return Setting{}, conf.Unread
	}
	def, known := sshdDefault(key, h.sshdVersion())
	switch {
	case ok && sshdAlgorithms[key]:
		set.Value = applyAlgorithms(def, set.Value)
		return set, nil
	case ok:
		return set, nil
	case !known:
		return Setting{Path: "/etc/ssh/sshd_config"}, errNoSSHDefault
	}
	return Setting{Value: def, Path: "/etc/ssh/sshd_config"}, nil
}

// SSHServer reports whether an SSH server is on the host.
func (h *Host) SSHServer() bool {
	for _, p := range []string{"/etc/ssh/sshd_config", "/usr/sbin/sshd"} {
		if h.Exists(p) {
			return true
		}
	}
	return false
}
