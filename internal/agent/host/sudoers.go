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

// Default finds a Defaults setting: its value ("" for a flag).
func (s *Sudoers) Default(name string) (Setting, bool) {
	for _, line := range s.Lines {
		word, rest := cutField(line.Value)
		if !strings.HasPrefix(word, "Defaults") {
			continue
		}
		for item := range strings.SplitSeq(rest, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(item), "=")
			if strings.TrimSpace(key) == name {
				return Setting{Value: strings.Trim(strings.TrimSpace(value), `"`), Path: line.Path, Line: line.Line}, true
			}
		}
	}
	return Setting{}, false
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
