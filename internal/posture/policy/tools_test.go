package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const httpsPolicy = `{"name": "https", "properties": {"displayName": "Storage accounts should use HTTPS only", "mode": "Indexed",
	"parameters": {"effect": {"type": "String", "defaultValue": "Audit"}},
	"policyRule": {"if": {"allOf": [{"field": "type", "equals": "Microsoft.Storage/storageAccounts"},
		{"field": "Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly", "notEquals": true}]},
	"then": {"effect": "[parameters('effect')]"}}}}`

const openAccount = `{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a", "type": "Microsoft.Storage/storageAccounts",
	"properties": {"supportsHttpsTrafficOnly": false}}`

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func archiveOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestCheckDirsFailsBadFilesAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.json", []byte(httpsPolicy))
	write(t, dir, "bad/broken.json", []byte(`{"properties": {"policyRule": {`))
	write(t, dir, "bad/huge.json", bytes.Repeat([]byte(" "), MaxDocument+1))
	write(t, dir, "bad/archive.tar.gz", []byte("no archive"))
	write(t, dir, "notes.txt", []byte("not ours"))
	write(t, dir, "more.tgz", archiveOf(t, map[string]string{
		"set.json":  strings.ReplaceAll(testInitiative, "policyDefinitions/d1", "policyDefinitions/none"),
		"copy.json": httpsPolicy,
		"odd.json":  strings.ReplaceAll(strings.ReplaceAll(httpsPolicy, `"https"`, `"odd"`), "/supportsHttpsTrafficOnly", "/moonPhase"),
	}))
	aliases := NewAliases()
	row := "Microsoft.Storage/storageAccounts\tMicrosoft.Storage/storageAccounts/supportsHttpsTrafficOnly\tproperties.supportsHttpsTrafficOnly\n"
	if err := aliases.LoadTSV(strings.NewReader(row)); err != nil {
		t.Fatal(err)
	}
	report, err := CheckDirs([]string{dir}, CheckOptions{Aliases: aliases, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if report.Files != 7 || report.Definitions != 3 || report.Initiatives != 1 || report.WithRule != 2 || report.Compiled != 2 {
		t.Errorf("report %+v", report)
	}
	if want := []string{"Microsoft.Storage/storageAccounts/moonPhase"}; len(report.UnknownAliases) != 1 || report.UnknownAliases[0] != want[0] {
		t.Errorf("unknown aliases %v, want %v", report.UnknownAliases, want)
	}
	if u := report.Unresolved; len(u) != 1 || !strings.HasSuffix(u[0].File, "more.tgz!set.json") || !strings.Contains(u[0].Reason, "not among the files") {
		t.Errorf("unresolved %+v", u)
	}
	reasons := map[string]string{"broken.json": "ends too early", "huge.json": "larger than", "archive.tar.gz": "unpack"}
	for _, f := range report.Failed {
		for file, reason := range reasons {
			if strings.HasSuffix(f.File, file) && strings.Contains(f.Reason, reason) {
				delete(reasons, file)
			}
		}
	}
	if len(reasons) > 0 || len(report.Failed) != 3 {
		t.Errorf("failures %+v lack %v", report.Failed, reasons)
	}
}

func TestCheckDirsNamesAMissingDirectory(t *testing.T) {
	if _, err := CheckDirs([]string{filepath.Join(t.TempDir(), "none")}, CheckOptions{Now: time.Now}); err == nil {
		t.Error("a directory that does not exist is no error")
	}
}

func TestTestDirs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "https/policy.json", []byte(httpsPolicy))
	line := strings.Join(strings.Fields(openAccount), " ")
	write(t, dir, "https/examples.jsonl", []byte(
		`{"name": "open", "resource": `+line+`, "want": "nonCompliant"}`+"\n"+
			`{"name": "not known", "resource": `+line+`, "unavailable": ["properties.supportsHttpsTrafficOnly"], "want": "unknown"}`+"\n"+
			`{"name": "wrong", "resource": `+line+`, "want": "compliant"}`+"\n"+
			`{"name": "no resource", "want": "compliant"}`+"\n"))
	write(t, dir, "broken/policy.json", []byte(`{}`))
	report, err := TestDirs([]string{dir}, TestOptions{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 5 || report.Failed() != 3 {
		t.Fatalf("%d results, %d failed: %+v", len(report.Results), report.Failed(), report.Results)
	}
	var table, junit bytes.Buffer
	if err := report.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "wrong: nonCompliant, want compliant: properties.supportsHttpsTrafficOnly is false") {
		t.Errorf("the table does not say what is wrong:\n%s", table.String())
	}
	if err := report.WriteJUnit(&junit); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(junit.String(), `<testsuite name="policies" tests="5" failures="3">`) {
		t.Errorf("JUnit output:\n%s", junit.String())
	}
	if _, err := TestDirs([]string{t.TempDir()}, TestOptions{}); err == nil {
		t.Error("a directory without policies is no error")
	}
}

// explain writes the files of an explanation and makes it.
func explain(t *testing.T, definition, resource, parameters string) (*Explanation, error) {
	t.Helper()
	dir := t.TempDir()
	in := ExplainInput{
		Definition: filepath.Join(dir, "policy.json"), Resource: filepath.Join(dir, "resource.json"),
		Aliases: NewAliases(), Now: time.Now(),
	}
	write(t, dir, "policy.json", []byte(definition))
	write(t, dir, "resource.json", []byte(resource))
	if parameters != "" {
		in.Parameters = filepath.Join(dir, "parameters.json")
		write(t, dir, "parameters.json", []byte(parameters))
	}
	return ExplainFiles(in)
}

func TestExplain(t *testing.T) {
	x, err := explain(t, httpsPolicy, openAccount, `{"effect": "deny"}`)
	if err != nil {
		t.Fatal(err)
	}
	var text, json bytes.Buffer
	if err := x.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"nonCompliant: Storage accounts should use HTTPS only",
		"effect    deny",
		"reason    properties.supportsHttpsTrafficOnly is false, which satisfies notEquals true",
		"reads     type, properties.supportsHttpsTrafficOnly",
		"> true    Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly notEquals true, found false at properties.supportsHttpsTrafficOnly",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	if err := x.WriteJSON(&json); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(json.String(), `"found": false`) || !strings.Contains(json.String(), `"decides": true`) {
		t.Errorf("JSON output:\n%s", json.String())
	}
}

func TestExplainErrorsNameTheFile(t *testing.T) {
	tests := []struct{ name, definition, resource, parameters, input string }{
		{"array-of-none", httpsPolicy, `[]`, "", "resource.json"},
		{"definition", `{}`, openAccount, "", "policy.json"},
		{"resource", httpsPolicy, `[1]`, "", "resource.json"},
		{"empty-resource", httpsPolicy, ``, "", "resource.json"},
		{"parameters", httpsPolicy, openAccount, `{"effect"`, "parameters.json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := explain(t, test.definition, test.resource, test.parameters)
			if err == nil || !strings.Contains(err.Error(), test.input) {
				t.Errorf("error %v does not name %s", err, test.input)
			}
		})
	}
}
