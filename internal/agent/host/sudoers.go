package host

import (
	"path"
	"strings"
)

// Sudoers is what the sudoers files say, lines continued and comments removed.
type Sudoers struct {
	Lines []Setting // Value is the whole logical line
}

const maxSudoersFiles = 128

// ParseSudoers reads one file's text. Includes come back as lines.
func ParseSudoers(name string, data []byte) []Setting {
	var lines []Setting
	var joined string
	start := 0
	for n, line := range Lines(data) {
		if joined == "" {
			start = n
		}
		if rest, more := strings.CutSuffix(line, `\`); more && len(joined) < maxLine {
			joined += rest
			continue
		}
		text := sudoersText(strings.TrimSpace(joined + line))
		joined = ""
		if text != "" {
			lines = append(lines, Setting{Value: text, Path: name, Line: start})
		}
	}
	return lines
}

// sudoersText removes a comment; "#include" is none, nor is "#1000" (a uid).
func sudoersText(line string) string {
	if strings.HasPrefix(line, "#include") {
		return "@" + line[1:]
	}
	for i := 0; i < len(line); i++ {
		if line[i] == '#' && (i+1 == len(line) || !digit(line[i+1])) && (i == 0 || line[i-1] != '\\') {
			return strings.TrimSpace(line[:i])
		}
	}
	return line
}

// Sudoers reads /etc/sudoers and what it includes; only root may, usually. The
// error is fs.ErrNotExist where sudo is not installed.
func (h *Host) Sudoers() (*Sudoers, error) {
	return memo(h, "sudoers", func() (*Sudoers, error) {
		s := &Sudoers{}
		files := 0
		return s, h.sudoersFile(s, "/etc/sudoers", &files)
	})
}

func (h *Host) sudoersFile(into *Sudoers, name string, files *int) error {
	if *files++; *files > maxSudoersFiles {
		return &Unreadable{name, "too many included files"}
	}
	data, err := h.Read(name)
	if err != nil {
		return err
	}
	for _, line := range ParseSudoers(name, data) {
		word, arg := cutField(line.Value)
		arg = strings.Trim(strings.TrimSpace(arg), `"`)
		if !path.IsAbs(arg) {
			arg = path.Join(path.Dir(name), arg)
		}
		switch word {
		case "@include":
			err = h.sudoersFile(into, arg, files)
		case "@includedir":
			err = h.sudoersDir(into, arg, files)
		default:
			into.Lines = append(into.Lines, line)
		}
		if err != nil && !Absent(err) {
			return err
		}
	}
	return nil
}

// sudoersDir reads a directory as sudo does: names with a dot or ending in ~
// are skipped.
func (h *Host) sudoersDir(into *Sudoers, dir string, files *int) error {
	names, err := h.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.Contains(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		if err := h.sudoersFile(into, path.Join(dir, name), files); err != nil && !Absent(err) {
			return err
		}
	}
	return nil
}

// SudoDefault is one setting of a Defaults line.
type SudoDefault struct {
	Scope string // "" for everybody; else as written: ":bob", "@host", "!/bin/x", ">www"
	Name  string
	On    bool // false for "!name"
	Setting
}

// Defaults are the settings of all Defaults lines, in order.
func (s *Sudoers) Defaults() []SudoDefault {
	var all []SudoDefault
	for _, line := range s.Lines {
		word, rest := cutField(line.Value)
		scope, ok := strings.CutPrefix(word, "Defaults")
		if !ok || scope != "" && !strings.ContainsAny(scope[:1], ":@!>") {
			continue
		}
		if scope != "" && len(scope) == 1 { // "Defaults : bob"
			var who string
			who, rest = cutField(rest)
			scope += who
		}
		for _, item := range splitOutsideQuotes(rest) {
			d := SudoDefault{Scope: scope, On: true, Setting: Setting{Path: line.Path, Line: line.Line}}
			item = strings.TrimSpace(item)
			for strings.HasPrefix(item, "!") {
				d.On, item = !d.On, strings.TrimSpace(item[1:])
			}
			key, value, _ := strings.Cut(item, "=")
			d.Name = strings.TrimRight(strings.TrimSpace(key), "+-")
			d.Name = strings.TrimSpace(d.Name)
			d.Value = strings.Trim(strings.TrimSpace(value), `"`)
			all = append(all, d)
		}
	}
	return all
}

// splitOutsideQuotes splits at commas that no quotes and no backslash protect.
func splitOutsideQuotes(s string) []string {
	var items []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				items = append(items, s[start:i])
				start = i + 1
			}
		}
	}
	return append(items, s[start:])
}

// Default is the value of a setting for everybody: the last one counts.
func (s *Sudoers) Default(name string) (d SudoDefault, ok bool) {
	for _, one := range s.Defaults() {
		if one.Scope == "" && one.Name == name {
			d, ok = one, true
		}
	}
	return d, ok
}

// Scoped are the values of a setting for some users, hosts or commands.
func (s *Sudoers) Scoped(name string) []SudoDefault {
	var all []SudoDefault
	for _, one := range s.Defaults() {
		if one.Scope != "" && one.Name == name {
			all = append(all, one)
		}
	}
	return all
}

// sudoPTYSince is the version from which sudo sets use_pty by itself (1.9.14).
const sudoPTYSince = "1.9.14"

// SudoPTYByDefault reports whether the installed sudo sets use_pty by itself.
func (h *Host) SudoPTYByDefault() bool {
	packages, err := h.Packages()
	if err != nil {
		return false
	}
	for _, name := range []string{"sudo", "sudo-ldap"} {
		if p, ok := packages.Find(name); ok {
			return CompareDebian(p.Version, sudoPTYSince) >= 0
		}
	}
	return false
}

// Tagged finds the first line that carries a tag such as NOPASSWD or a setting
// such as !authenticate.
func (s *Sudoers) Tagged(tag string) (Setting, bool) {
	for _, line := range s.Lines {
		words := strings.FieldsFunc(line.Value, func(r rune) bool { return strings.ContainsRune(" \t,:=", r) })
		for _, w := range words {
			if w == tag {
				return line, true
			}
		}
	}
	return Setting{}, false
}
