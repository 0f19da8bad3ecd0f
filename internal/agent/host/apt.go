package host

import (
	"strings"
)

// ParseAptConf reads apt configuration text into lower-case keys joined by
// "::". Values of a list, and of a key given several times as "key::", are
// joined by blanks; otherwise the last wins.
func ParseAptConf(name string, data []byte) map[string]Setting {
	p := aptParser{name: name, set: map[string]Setting{}}
	for n, line := range Lines(data) {
		p.line = n
		p.scan(line)
	}
	return p.set
}

type aptParser struct {
	name    string
	line    int
	scopes  []string // open braces
	words   []string // of the statement so far
	comment bool     // inside /* */
	set     map[string]Setting
}

// scan splits one line into words, quoted strings and the marks { } ;.
func (p *aptParser) scan(line string) {
	for line != "" {
		if p.comment {
			_, after, ended := strings.Cut(line, "*/")
			p.comment, line = !ended, after
			continue
		}
		switch {
		case strings.HasPrefix(line, "//"), line[0] == '#' && !strings.HasPrefix(line, "#clear"):
			return
		case strings.HasPrefix(line, "/*"):
			p.comment, line = true, line[2:]
		case line[0] == '"':
			var word string
			word, line, _ = strings.Cut(line[1:], `"`)
			p.words = append(p.words, word)
		case line[0] == '{':
			p.open()
			line = line[1:]
		case line[0] == '}', line[0] == ';':
			p.end(line[0] == '}')
			line = line[1:]
		case line[0] == ' ' || line[0] == '\t':
			line = line[1:]
		default:
			end := strings.IndexAny(line, " \t\";{}")
			if end < 0 {
				end = len(line)
			}
			p.words, line = append(p.words, line[:end]), line[end:]
		}
	}
}

func (p *aptParser) open() {
	p.scopes = append(p.scopes, strings.ToLower(strings.Join(p.words, " ")))
	p.words = nil
}

func (p *aptParser) end(closes bool) {
	switch len(p.words) {
	case 0:
	case 1: // an item of a list
		p.add(strings.Join(p.scopes, "::"), p.words[0], true)
	default:
		key, list := strings.CutSuffix(strings.ToLower(p.words[0]), "::")
		p.add(strings.Join(append(p.scopes[:len(p.scopes):len(p.scopes)], key), "::"), p.words[1], list)
	}
	p.words = nil
	if closes && len(p.scopes) > 0 {
		p.scopes = p.scopes[:len(p.scopes)-1]
	}
}

func (p *aptParser) add(key, value string, list bool) {
	if key == "" {
		return
	}
	if old, ok := p.set[key]; ok && list {
		value = old.Value + " " + value
	}
	p.set[key] = Setting{Value: value, Path: p.name, Line: p.line}
}

// AptOption is a setting of the host's apt configuration.
func (h *Host) AptOption(key string) (s Setting, ok bool, err error) {
	all, err := memo(h, "apt.conf", func() (map[string]Setting, error) {
		names, err := h.Glob("/etc/apt/apt.conf.d/*")
		if err != nil {
			return nil, err
		}
		all := map[string]Setting{}
		for _, name := range append(names, "/etc/apt/apt.conf") {
			data, err := h.Read(name)
			if Absent(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			for k, v := range ParseAptConf(name, data) {
				all[k] = v
			}
		}
		return all, nil
	})
	s, ok = all[strings.ToLower(key)]
	return s, ok, err
}
