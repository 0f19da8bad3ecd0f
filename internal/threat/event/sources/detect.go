package sources

import (
	"bytes"
	"regexp"
	"slices"
)

// HeadSize is how many bytes at the start of a stream Detect wants to see.
const HeadSize = 64 << 10

// sign is what shows that text is of a source: marks that are all there, or a
// pattern that a line fits.
type sign struct {
	source string
	all    []string
	line   *regexp.Regexp
}

// jsonSigns are looked for in JSON, the most telling first.
var jsonSigns = []sign{
	{source: "otlp", all: []string{`"resourceLogs"`}},
	{source: "cloudtrail", all: []string{`"eventSource"`, `"eventName"`, `"awsRegion"`}},
	{source: "k8s-audit", all: []string{`"auditID"`, `"verb"`}},
	{source: "gcp-audit", all: []string{`"protoPayload"`}},
	{source: "gcp-audit", all: []string{`"logName"`, `cloudaudit`}},
	{source: "azure-signin", all: []string{`SignInLogs"`}},
	{source: "azure-signin", all: []string{`"userPrincipalName"`, `"appDisplayName"`}},
	{source: "azure-signin", all: []string{`"AuditLogs"`}},
	{source: "azure-signin", all: []string{`"activityDisplayName"`, `"initiatedBy"`}},
	{source: "syslog", all: []string{`"__REALTIME_TIMESTAMP"`, `"MESSAGE"`}},
	{source: "auditd", all: []string{`"auditd"`}},
	{source: "auditd", all: []string{`"ID"`, `"SYSCALL"`}},
	{source: "windows", all: []string{`"winlog"`}},
	{source: "windows", all: []string{`"Event"`, `"System"`}},
	{source: "windows", all: []string{`"EventID"`, `"Channel"`}},
	{source: "windows", all: []string{`"EventID"`, `"SourceName"`}},
	{source: "windows", all: []string{`"Id"`, `"LogName"`}},
	{source: "azure-activity", all: []string{`"eventDataId"`}},
	{source: "azure-activity", all: []string{`"operationName"`, `"authorization"`}},
	{source: "azure-activity", all: []string{`"category"`, `"Administrative"`}},
	{source: "azure-resource", all: []string{`"resourceId"`, `"operationName"`, `"category"`}},
}

// textSigns are looked for in the lines of text, the most telling first.
var textSigns = []sign{
	{source: "sysmon-linux", all: []string{"<Event", "Linux-Sysmon"}},
	{source: "windows-xml", all: []string{"<Event", "schemas.microsoft.com/win/2004/08/events"}},
	{source: "auditd", line: regexp.MustCompile(`(?m)^(node=\S+ )?type=[A-Z0-9_]+ msg=audit\(\d+\.\d{3}:\d+\):`)},
	{source: "cef", line: regexp.MustCompile(`(?m)^(.{0,200} )?CEF:\d+\|`)},
	{source: "webserver", line: regexp.MustCompile(`(?m)^#Fields: `)},
	{source: "webserver", line: regexp.MustCompile(`(?m)^\S+ \S+ (\S+ )+\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "`)},
	{source: "webserver", line: regexp.MustCompile(`(?m)^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(\.\d+)? \d{4}\] \[`)},
	{source: "webserver", line: regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]+\] \d+#`)},
	{source: "syslog", line: regexp.MustCompile(`(?m)^(\d+ )?<\d{1,3}>`)},
	{source: "syslog", line: regexp.MustCompile(`(?m)^[A-Z][a-z]{2} [ \d]\d (\d{4} )?\d\d:\d\d:\d\d`)},
	{source: "syslog", line: regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* \S+ \S+: `)},
	{source: "logfmt", line: regexp.MustCompile(`(?m)^[\w.@-]+=("|\S)[^\n]* [\w.@-]+=`)},
}

// Detect tells the source of a stream by its start: by signatures of files, by
// keys that only one source has together, by the shape of lines. It is "" if
// nothing is telling, and "json" for JSON of no known source. The names are those
// of List and Envelope.
func Detect(head []byte) string {
	head = bytes.TrimPrefix(head[:min(len(head), HeadSize)], []byte("\ufeff"))
	if bytes.HasPrefix(head, []byte("ElfFile\x00")) {
		return "evtx"
	}
	text := bytes.TrimLeft(head, " \t\r\n\x1e")
	if len(text) == 0 {
		return ""
	}
	if text[0] == '{' || text[0] == '[' && bytes.IndexByte(text[:min(len(text), 200)], '{') > 0 {
		return first(jsonSigns, text, "json")
	}
	if head[0] == '\n' || head[0] == 0 { // 0x0a is the first tag of the message
		if bytes.IndexByte(head, 0) >= 0 || bytes.IndexByte(head, 0x12) >= 0 {
			return "otlp"
		}
	}
	return first(textSigns, text, "")
}

// Detectable lists the names that Detect may give, sorted.
func Detectable() []string {
	names := []string{"evtx", "json", "otlp"}
	for _, s := range slices.Concat(jsonSigns, textSigns) {
		names = append(names, s.source)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// first is the source of the first sign that is there.
func first(signs []sign, text []byte, none string) string {
	for _, s := range signs {
		if s.in(text) {
			return s.source
		}
	}
	return none
}

func (s *sign) in(text []byte) bool {
	if s.line != nil {
		return s.line.Match(text)
	}
	for _, mark := range s.all {
		if !bytes.Contains(text, []byte(mark)) {
			return false
		}
	}
	return true
}
