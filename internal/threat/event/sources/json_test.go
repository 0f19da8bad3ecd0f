package sources_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
)

// read gives the wanted fields of each record of a text: "Image=a|b", values
// joined by "|"; skipped records give their reason.
func read(t *testing.T, source sources.Source, text string, fields ...string) (records [][]string) {
	t.Helper()
	s := event.NewSchema(fields)
	d := source.New(strings.NewReader(text), s)
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return records
		case errors.As(err, &bad):
			records = append(records, []string{"skipped"})
			continue
		case err != nil:
			t.Fatal(err)
		}
		got := []string{r.Kind.String()}
		for _, f := range fields {
			var values []string
			for v := r.First(s.Slot(f)); v != 0; v = r.Next(v) {
				values = append(values, string(r.Text(v)))
			}
			if values != nil {
				got = append(got, f+"="+strings.Join(values, "|"))
			}
		}
		records = append(records, got)
	}
}

func find(t *testing.T, name string) sources.Source {
	t.Helper()
	s, ok := sources.Find(name)
	if !ok {
		t.Fatalf("there is no source %q", name)
	}
	return s
}

func TestWindowsShapes(t *testing.T) {
	const sysmon = `"Channel":"Microsoft-Windows-Sysmon/Operational"`
	for name, text := range map[string]string{
		"event":        `{"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1,` + sysmon + `,"Computer":"pc"},"EventData":{"Image":"C:\\a.exe","CommandLine":"a  -x"}}}`,
		"text of id":   `{"Event":{"System":{"Provider":{"@Name":"Microsoft-Windows-Sysmon"},"EventID":{"#text":"1"},` + sysmon + `,"Computer":"pc"},"EventData":{"Data":[{"@Name":"Image","#text":"C:\\a.exe"},{"@Name":"CommandLine","#text":"a  -x"}]}}}`,
		"flat":         `{` + sysmon + `,"EventID":1,"SourceName":"Microsoft-Windows-Sysmon","Computer":"pc","Image":"C:\\a.exe","CommandLine":"a  -x"}`,
		"winlogbeat":   `{"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":1,"computer_name":"pc","event_data":{"Image":"C:\\a.exe","CommandLine":"a  -x"}}}`,
		"back to back": "{" + sysmon + `,"EventID":1,"Computer":"pc","Image":"C:\\a.exe","CommandLine":"a  -x"}` + "\n\n",
	} {
		got := read(t, find(t, "windows"), text, "Image", "CommandLine", "EventID", "Computer")
		if len(got) != 1 || !strings.Contains(got[0][0], "process_creation") {
			t.Errorf("%s: %v", name, got)
			continue
		}
		if diff := cmp.Diff([]string{`Image=C:\a.exe`, "CommandLine=a  -x", "EventID=1", "Computer=pc"}, got[0][1:]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestJSONContainers(t *testing.T) {
	one, two := `{"eventName":"A","eventSource":"s","userIdentity":{"arn":"x"}}`, `{"eventName":"B","eventSource":"s"}`
	for name, text := range map[string]string{
		"lines": one + "\n" + two, "array": "[" + one + "," + two + "]", "records": `{"Records":[` + one + ",\n" + two + `]}`,
		"in a line": one + two, "pretty": strings.ReplaceAll(one, ",", ",\n  ") + "\n" + two,
	} {
		got := read(t, find(t, "cloudtrail"), text, "eventName", "userIdentity.arn")
		if len(got) != 2 || !slices.Contains(got[0], "userIdentity.arn=x") || !slices.Contains(got[1], "eventName=B") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestBrokenJSONIsSkippedAlone(t *testing.T) {
	got := read(t, find(t, "cloudtrail"), `{"eventName":"A"}`+"\n"+`{"eventName": nonsense}`+"\n"+`{"other":1}`+"\n"+`{"eventName":"B"}`, "eventName")
	var names []string
	for _, r := range got {
		names = append(names, r[len(r)-1])
	}
	if diff := cmp.Diff([]string{"eventName=A", "skipped", "skipped", "eventName=B"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestClouds(t *testing.T) {
	tests := map[string]struct{ source, text, kind, field, want string }{
		"activity as listed":   {"azure-activity", `{"operationName":{"value":"Microsoft.Compute/virtualMachines/write","localizedValue":"x"},"status":{"value":"Succeeded"}}`, "azure//activitylogs", "operationName", "operationName=Microsoft.Compute/virtualMachines/write"},
		"activity as exported": {"azure-activity", `{"records":[{"operationName":"MICROSOFT.KEYVAULT/VAULTS/DELETE","resultType":"Success"}]}`, "azure//activitylogs", "ResourceProviderValue", "ResourceProviderValue=MICROSOFT.KEYVAULT"},
		"sign-in":              {"azure-signin", `{"category":"SignInLogs","properties":{"userPrincipalName":"a@b","status":{"errorCode":0}}}`, "azure//signinlogs", "properties.userPrincipalName", "properties.userPrincipalName=a@b"},
		"kubernetes":           {"k8s-audit", `{"kind":"Event","verb":"create","objectRef":{"resource":"pods","subresource":"exec"}}`, "kubernetes/application/audit", "objectRef.subresource", "objectRef.subresource=exec"},
		"google":               {"gcp-audit", `{"protoPayload":{"serviceName":"iam.googleapis.com","methodName":"x.y"}}`, "gcp//gcp.audit", "gcp.audit.method_name", "gcp.audit.method_name=x.y"},
	}
	for name, tt := range tests {
		got := read(t, find(t, tt.source), tt.text, tt.field)
		if len(got) != 1 || got[0][0] != tt.kind || !slices.Contains(got[0], tt.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
