package sources_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/input"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
)

func TestDetect(t *testing.T) {
	for in, want := range map[string]string{
		"ElfFile\x00rest":                                "evtx",
		`{"Event":{"System":{"EventID":1}}}`:             "windows",
		"\ufeff{\"EventID\":1,\"Channel\":\"Security\"}": "windows",
		`{"Records":[{"eventVersion":"1","eventSource":"x","eventName":"y","awsRegion":"z"}]}`: "cloudtrail",
		`[{"kind":"Event","auditID":"x","verb":"get"}]`:                                        "k8s-audit",
		`{"protoPayload":{}}`:       "gcp-audit",
		`{"category":"SignInLogs"}`: "azure-signin",
		`{"category":"Administrative","operationName":"x","resourceId":"/s"}`:           "azure-activity",
		`{"category":"AppServiceHTTPLogs","operationName":"x","resourceId":"/s"}`:       "azure-resource",
		`{"ID":"1.000:1","SYSCALL":{}}`:                                                 "auditd",
		`{"resourceLogs":[]}`:                                                           "otlp",
		"\n\x12\x0a\x00":                                                                "otlp",
		`{"a":1}`:                                                                       "json",
		"type=SYSCALL msg=audit(1604996384.965:93777): a0=1":                            "auditd",
		"node=x type=CWD msg=audit(1604996384.965:93777): cwd":                          "auditd",
		"Jan  2 03:04:05 h sysmon: <Event><System><Provider Name=\"Linux-Sysmon\"":      "sysmon-linux",
		"<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>": "windows-xml",
		"<34>Jan  2 03:04:05 h CEF:0|a|b|c":                                             "cef",
		"Dec 10 06:55:46 LabSZ sshd[24200]: x":                                          "syslog",
		"2025-01-02T03:04:05.678901+01:00 h CRON[1]: x":                                 "syslog",
		"<34>1 - h p - - - x":                                                           "syslog",
		`10.0.0.9 - - [10/Oct/2000:13:55:36 -0700] "GET`:                                "webserver",
		"#Software: IIS\n#Fields: date time":                                            "webserver",
		`2023/01/02 03:04:05 [error] 1#2: x`:                                            "webserver",
		"level=info msg=hi":                                                             "logfmt",
		"hello world":                                                                   "",
		"":                                                                              "",
	} {
		if got := sources.Detect([]byte(in)); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestDetectRecordedLogs looks at each recorded log.
func TestDetectRecordedLogs(t *testing.T) {
	const root = "../../../../../shared/data/detect/events/"
	for folder, want := range map[string]string{
		"sigma-regression": "windows evtx", "stratus-detonation": "cloudtrail", "otrf/atomic/windows": "windows",
		"otrf/atomic/linux": "auditd", "otrf/atomic/aws": "cloudtrail", "loghub/OpenSSH": "syslog", "loghub/Linux": "syslog", "loghub/Apache": "webserver",
	} {
		err := filepath.WalkDir(root+folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(path) == ".yml" {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return input.Walk(path, f, input.DefaultLimits, func(name string, in io.Reader) error {
				head, err := io.ReadAll(io.LimitReader(in, sources.HeadSize))
				if err != nil {
					return err
				}
				if got := sources.Detect(head); got == "" || !strings.Contains(want, got) {
					t.Errorf("%s is %q, want %s", name, got, want)
				}
				return nil
			})
		})
		if os.IsNotExist(err) {
			t.Skip("no recorded logs here")
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// TestDetectedSourcesAreThere demands a source for each name that Detect gives.
func TestDetectedSourcesAreThere(t *testing.T) {
	for _, name := range sources.Detectable() {
		_, listed := sources.Find(name)
		_, envelope := sources.Envelope(name, event.NewKind("x", nil, nil))
		if !listed && !envelope {
			t.Errorf("no source is called %q", name)
		}
	}
}
