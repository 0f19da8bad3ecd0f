package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Bounds of included sshd configuration.
const (
	maxIncludeDepth = 16
	maxIncludes     = 256
)

// SSHD is an sshd configuration: of the global section the first value of an
// option wins, as sshd has it; options on sshd's command line come before it,
// and those of Match blocks replace it for the connections that they name.
type SSHD struct {
	Options map[string]Setting // by lower-case option
	Matches []SSHDMatch        // in order
	Files   []string           // read, in order
	// Unread is the first included file that could not be read; an option that
	// was not set before it is not known.
	Unread error
}

// SSHDMatch is one setting of a Match block.
type SSHDMatch struct {
	Criteria string // as written
	Option   string // lower case
	Setting  Setting
}

// sshdConfigs are the main files: the first that exists is read, as
// distributions with a vendor directory have it.
var sshdConfigs = []string{"/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config"}

// sshdReader reads sshd_config and what it includes.
type sshdReader struct {
	dir  string // of relative includes
	glob func(pattern string) ([]string, error)
	read func(name string) ([]byte, error)
	conf *SSHD
}

// SSHD reads the options of sshd's command line, then its configuration. The
// error is fs.ErrNotExist if there is none.
func (h *Host) SSHD() (*SSHD, error) {
	return memo(h, "sshd", func() (*SSHD, error) {
		r := sshdReader{dir: "/etc/ssh", glob: h.Glob, read: h.Read, conf: &SSHD{Options: map[string]Setting{}}}
		configs := sshdConfigs
		options, err := h.sshdArguments()
		if err != nil {
			return nil, err
		}
		for _, s := range options {
			if file, ok := strings.CutPrefix(s.Value, "-f "); ok {
				configs = []string{file}
				continue
			}
			key, value := splitSSHD(s.Value)
			r.set(key, Setting{Value: value, Path: s.Path, Line: s.Line})
		}
		for _, name := range configs {
			data, err := h.Read(name)
			if Absent(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			r.parse(name, data, 0, "")
			return r.conf, nil
		}
		if len(options) > 0 {
			return r.conf, nil
		}
		return nil, fmt.Errorf("%s: %w", configs[0], fs.ErrNotExist)
	})
}

// parse reads one file. A Match block ends at the end of its file; what is
// included inside one belongs to it.
func (r *sshdReader) parse(name string, data []byte, depth int, match string) {
	r.conf.Files = append(r.conf.Files, name)
	for n, line := range Settings(data, "#") {
		key, value := splitSSHD(line)
		switch {
		case key == "match":
			match = value
		case key == "include":
			r.include(value, depth, match)
		case match != "":
			s := Setting{Value: value, Path: name, Line: n}
			r.conf.Matches = append(r.conf.Matches, SSHDMatch{Criteria: match, Option: canonicalSSHD(key), Setting: s})
			if strings.EqualFold(match, "all") { // counts for everybody, and replaces what was set before
				r.set(key, s)
			}
		default:
			r.set(key, Setting{Value: value, Path: name, Line: n})
		}
	}
}

// set keeps the first value; options of which sshd takes several are joined.
func (r *sshdReader) set(key string, s Setting) {
	key = canonicalSSHD(key)
	old, seen := r.conf.Options[key]
	switch {
	case !seen:
		r.conf.Options[key] = s
	case sshdLists[key]:
		old.Value += " " + s.Value
		r.conf.Options[key] = old
	}
}

func (r *sshdReader) include(patterns string, depth int, match string) {
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
				r.parse(name, data, depth+1, match)
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
	return strings.ToLower(line[:i]), strings.NewReplacer(`"`, "", `'`, "").Replace(value)
}

// withoutComment cuts a value at a # that begins a word outside quotes.
func withoutComment(value string) string {
	quote := byte(0)
	for i := range len(value) {
		switch {
		case quote != 0 && value[i] == quote:
			quote = 0
		case quote == 0 && (value[i] == '"' || value[i] == '\''):
			quote = value[i]
		case value[i] == '#' && quote == 0 && i > 0 && (value[i-1] == ' ' || value[i-1] == '\t'):
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
	key := canonicalSSHD(strings.ToLower(option))
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
		set.Value = normalSSHD(key, set.Value)
		return set, nil
	case !known:
		return Setting{Path: "/etc/ssh/sshd_config"}, errNoSSHDefault
	}
	return Setting{Value: def, Path: "/etc/ssh/sshd_config"}, nil
}

// SSHDMatches are the values that Match blocks give an option for the
// connections that they name.
func (h *Host) SSHDMatches(option string) []SSHDMatch {
	conf, err := h.SSHD()
	if err != nil {
		return nil // SSHDOption says so
	}
	key := canonicalSSHD(strings.ToLower(option))
	var all []SSHDMatch
	for _, m := range conf.Matches {
		if m.Option != key {
			continue
		}
		if sshdAlgorithms[key] {
			def, _ := sshdDefault(key, h.sshdVersion())
			m.Setting.Value = applyAlgorithms(def, m.Setting.Value)
		}
		m.Setting.Value = normalSSHD(key, m.Setting.Value)
		all = append(all, m)
	}
	return all
}

// SSHServer reports whether an SSH server is on the host: its program, or its
// package. A configuration without either counts only where the packages are
// not known: removing a package leaves its configuration.
func (h *Host) SSHServer() (bool, error) {
	for _, p := range []string{"/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd", "/usr/lib/systemd/system/sshd.service", "/usr/lib/systemd/system/ssh.service"} {
		there, err := h.There(p)
		if there || err != nil {
			return there, err
		}
	}
	packages, err := h.Packages()
	if err == nil {
		_, server := packages.Find("openssh-server")
		return server, nil
	}
	for _, p := range sshdConfigs {
		there, err := h.There(p)
		if there || err != nil {
			return there, err
		}
	}
	if programs, _ := h.There("/usr/sbin"); !programs {
		return false, err // neither packages nor programs could be looked at
	}
	return false, nil
}
