package host

import (
	"path"
	"strings"
)

// sshdEnvironments are the files from which the service units of distributions
// take sshd's arguments, with the variables; later files win.
var sshdEnvironments = []string{"/etc/crypto-policies/back-ends/opensshserver.config", "/etc/sysconfig/sshd", "/etc/sysconfig/ssh", "/etc/default/ssh"}

// sshdVariables hold arguments where no unit says which ones it uses.
var sshdVariables = []string{"SSHD_OPTS", "OPTIONS", "CRYPTO_POLICY"}

// sshdArguments are the settings on sshd's command line: "Option value" each,
// or "-f FILE". They win over every file.
func (h *Host) sshdArguments() ([]Setting, error) {
	environment := map[string]Setting{}
	for _, name := range sshdEnvironments {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for n, line := range Settings(data, "#") {
			if key, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "="); ok {
				environment[strings.TrimSpace(key)] = Setting{Value: unquote(strings.TrimSpace(value)), Path: name, Line: n}
			}
		}
	}
	command, found, err := h.sshdCommand()
	if err != nil {
		return nil, err
	}
	var all []Setting
	if !found {
		for _, v := range sshdVariables {
			all = append(all, sshdFlags(splitWords(environment[v].Value), environment[v])...)
		}
		return all, nil
	}
	for _, word := range strings.Fields(command.Value) {
		name, isVariable := strings.CutPrefix(word, "$")
		if !isVariable {
			continue
		}
		s := environment[strings.Trim(name, "{}")]
		all = append(all, sshdFlags(splitWords(s.Value), s)...)
	}
	return append(all, sshdFlags(splitWords(command.Value), command)...), nil
}

// sshdCommand is the ExecStart line of the service: the last that is set.
func (h *Host) sshdCommand() (s Setting, ok bool, err error) {
	for _, unit := range []string{"ssh.service", "sshd.service"} {
		for _, dir := range unitDirs {
			names, err := h.Glob(path.Join(dir, unit+".d") + "/*.conf")
			if err != nil {
				return s, false, err
			}
			for _, name := range append(names, path.Join(dir, unit)) {
				data, err := h.Read(name)
				if err != nil && !Absent(err) {
					continue // a unit that nobody may read is not started by it
				}
				for n, line := range Settings(data, "#;") {
					value, isStart := strings.CutPrefix(line, "ExecStart=")
					if isStart && value != "" {
						s, ok = Setting{Value: value, Path: name, Line: n}, true
					}
				}
				if ok {
					return s, true, nil
				}
			}
		}
	}
	return s, false, nil
}

// sshdFlags reads -o and -f of a command line.
func sshdFlags(words []string, from Setting) []Setting {
	var all []Setting
	add := func(value string) {
		value = strings.Trim(value, `"'`)
		all = append(all, Setting{Value: strings.Replace(value, "=", " ", 1), Path: from.Path, Line: from.Line})
	}
	for i := 0; i < len(words); i++ {
		w := strings.Trim(words[i], `"'`)
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch {
		case w == "-o" && next != "":
			add(next)
			i++
		case w == "-f" && next != "":
			all = append(all, Setting{Value: "-f " + strings.Trim(next, `"'`), Path: from.Path, Line: from.Line})
			i++
		case strings.HasPrefix(w, "-o") && len(w) > 2:
			add(w[2:])
		}
	}
	return all
}

// splitWords splits at blanks outside quotes, which it removes.
func splitWords(s string) []string {
	var words []string
	var word strings.Builder
	quote, in := rune(0), false
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, in = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if in {
		words = append(words, word.String())
	}
	return words
}
