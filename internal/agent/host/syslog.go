package host

import (
	"regexp"
	"strings"
)

// rsyslogFiles are the rsyslog configuration in order, what is included in
// the common way in place.
func (h *Host) rsyslogFiles() ([]string, error) {
	names, err := h.Glob("/etc/rsyslog.d/*.conf")
	if err != nil {
		return nil, err
	}
	return append([]string{"/etc/rsyslog.conf"}, names...), nil
}

// statement is a piece of a syslog configuration with its first line.
type statement struct {
	text string
	line int
}

// statements joins what belongs together: lines up to the closing bracket of
// an object, and lines that end in a backslash. Comments are left out.
func statements(data []byte, open, closing string) []statement {
	var all []statement
	var current statement
	depth, comment := 0, false
	for n, line := range Lines(data) {
		if comment {
			_, after, ended := strings.Cut(line, "*/")
			comment, line = !ended, after
		}
		if before, after, ok := strings.Cut(line, "/*"); ok && !strings.Contains(before, `"`) {
			_, rest, ended := strings.Cut(after, "*/")
			comment, line = !ended, before+" "+rest
		}
		if i := commentStart(line); i >= 0 {
			line = line[:i]
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if current.text == "" {
			current.line = n
		}
		rest, continued := strings.CutSuffix(strings.TrimRight(line, " \t"), `\`)
		if current.text += rest + " "; len(current.text) > maxLine {
			current.text = current.text[:maxLine]
		}
		depth += strings.Count(line, open) - strings.Count(line, closing)
		if depth <= 0 && !continued {
			all = append(all, statement{strings.TrimSpace(current.text), current.line})
			current, depth = statement{}, 0
		}
	}
	if current.text != "" {
		all = append(all, statement{strings.TrimSpace(current.text), current.line})
	}
	return all
}

// commentStart is where a # outside quotes begins a comment, -1 if none does.
func commentStart(line string) int {
	quoted := false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case '#':
			if !quoted {
				return i
			}
		}
	}
	return -1
}

var (
	// A selector or filter, then @host, @@host or :omrelp:host as its action.
	rsyslogForward = regexp.MustCompile(`^(\S+|:[^,]+,\s*!?\w+,\s*"[^"]*")\s+(@@?(\([^)]*\))?\[?[\w:.-]+|:omrelp:\S+)`)
	rsyslogAction  = regexp.MustCompile(`(?i)\baction\s*\([^)]*\btype\s*=\s*"(omfwd|omrelp|omelasticsearch|omkafka|omgssapi|omhttp|omazureeventhubs)"`)
	rsyslogMode    = regexp.MustCompile(`(?i)(?:^\s*\$FileCreateMode\s+|\bfileCreateMode\s*=\s*"?)([0-7]+)`)
	syslogNGOutput = regexp.MustCompile(`(?i)^destination\s+(\S+)\s*\{.*\b(network|syslog|tcp6?|udp6?|http|elasticsearch-http|kafka(-c)?|loki|opentelemetry)\s*\(`)
	syslogNGUse    = regexp.MustCompile(`destination\(\s*([\w.-]+)\s*\)`)
)

// LogForwarding finds the statement that sends logs to another machine, of
// rsyslog or syslog-ng; ok is false if their configuration has none.
func (h *Host) LogForwarding() (s Setting, ok bool, err error) {
	names, err := h.rsyslogFiles()
	if err != nil {
		return s, false, err
	}
	for _, name := range names {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return s, false, err
		}
		for _, st := range statements(data, "(", ")") {
			if rsyslogForward.MatchString(st.text) || rsyslogAction.MatchString(st.text) {
				return Setting{Value: "rsyslog sends logs elsewhere", Path: name, Line: st.line}, true, nil
			}
		}
	}
	return h.syslogNGForwarding()
}

// syslogNGForwarding wants a network destination that a log path uses.
func (h *Host) syslogNGForwarding() (s Setting, ok bool, err error) {
	names, err := h.Glob("/etc/syslog-ng/conf.d/*.conf")
	if err != nil {
		return s, false, err
	}
	outputs, used := map[string]Setting{}, map[string]bool{}
	for _, name := range append([]string{"/etc/syslog-ng/syslog-ng.conf"}, names...) {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return s, false, err
		}
		for _, st := range statements(data, "{", "}") {
			if m := syslogNGOutput.FindStringSubmatch(st.text); m != nil {
				outputs[m[1]] = Setting{Value: "syslog-ng sends logs elsewhere", Path: name, Line: st.line}
			}
			if strings.HasPrefix(st.text, "log") {
				for _, m := range syslogNGUse.FindAllStringSubmatch(st.text, -1) {
					used[m[1]] = true
				}
			}
		}
	}
	for destination, s := range outputs {
		if used[destination] {
			return s, true, nil
		}
	}
	return s, false, nil
}

// LogCreateMode is the widest mode that rsyslog gives new files; ok is false
// if none is set, which means 0644.
func (h *Host) LogCreateMode() (widest Setting, ok bool, err error) {
	names, err := h.rsyslogFiles()
	if err != nil {
		return widest, false, err
	}
	for _, name := range names {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return widest, false, err
		}
		for _, st := range statements(data, "(", ")") {
			for _, m := range rsyslogMode.FindAllStringSubmatch(st.text, -1) {
				if !ok || mode(m[1])&^mode(widest.Value) != 0 {
					widest, ok = Setting{Value: m[1], Path: name, Line: st.line}, true
				}
			}
		}
	}
	return widest, ok, nil
}
