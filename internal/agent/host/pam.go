package host

import (
	"path"
	"strings"
)

// PAMEntry is a line of a PAM service, included ones in place.
type PAMEntry struct {
	Type, Control, Module string
	Arguments             []string
	Path                  string
	Line                  int
}

// maxPAMDepth bounds includes; real stacks are two or three deep.
const maxPAMDepth = 8

// ParsePAM reads the text of one file of /etc/pam.d; @include comes back as an
// entry of type "@include".
func ParsePAM(name string, data []byte) []PAMEntry {
	var entries []PAMEntry
	for n, line := range Settings(data, "#") {
		if rest, ok := strings.CutPrefix(line, "@include"); ok {
			entries = append(entries, PAMEntry{Type: "@include", Module: strings.TrimSpace(rest), Path: name, Line: n})
			continue
		}
		kind, rest := cutField(line)
		control, rest := cutControl(rest)
		module, rest := cutField(rest)
		if module == "" {
			continue
		}
		entries = append(entries, PAMEntry{
			Type: strings.ToLower(strings.TrimPrefix(kind, "-")), Control: control, Module: path.Base(module),
			Arguments: strings.Fields(rest), Path: name, Line: n,
		})
	}
	return entries
}

func cutField(s string) (field, rest string) {
	s = strings.TrimLeft(s, " \t")
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// cutControl cuts a control word or a [bracketed list].
func cutControl(s string) (control, rest string) {
	s = strings.TrimLeft(s, " \t")
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i >= 0 {
			return s[:i+1], s[i+1:]
		}
	}
	return cutField(s)
}

// PAM is the stack of a service, with what it includes in place. The error is
// fs.ErrNotExist if there is no such service.
func (h *Host) PAM(service string) ([]PAMEntry, error) {
	return memo(h, "pam "+service, func() ([]PAMEntry, error) { return h.pamStack(service, 0) })
}

func (h *Host) pamStack(service string, depth int) ([]PAMEntry, error) {
	name := path.Join("/etc/pam.d", path.Base(service))
	data, err := h.Read(name)
	if err != nil {
		return nil, err
	}
	var stack []PAMEntry
	for _, e := range ParsePAM(name, data) {
		included := e.Type == "@include" || e.Control == "include" || e.Control == "substack"
		if !included {
			stack = append(stack, e)
			continue
		}
		if depth >= maxPAMDepth {
			return nil, &Unreadable{name, "included too deep"}
		}
		sub, err := h.pamStack(e.Module, depth+1)
		if err != nil && !Absent(err) {
			return nil, err
		}
		for _, s := range sub {
			if e.Type == "@include" || s.Type == e.Type {
				stack = append(stack, s)
			}
		}
	}
	return stack, nil
}
