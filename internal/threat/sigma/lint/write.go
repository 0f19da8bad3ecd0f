package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"
)

// WriteTable writes a line for each finding and what there is of each severity.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	count := map[Severity]int{}
	for _, f := range r.Findings {
		count[f.Demand.Severity]++
		fmt.Fprintf(&b, "%s: %s: %s [%s]", f.place(), f.Demand.Severity, printable(f.Message), f.Demand.ID)
		if f.Mend != nil {
			fmt.Fprintf(&b, "; write %q", f.Mend.New)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d files, %d documents: %d errors, %d warnings, %d notes\n", r.Files, r.Documents, count[Error], count[Warning], count[Note])
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *Finding) place() string {
	if f.Line == 0 {
		return printable(f.File)
	}
	return fmt.Sprintf("%s:%d:%d", printable(f.File), f.Line, f.Column)
}

// printable leaves nothing of a foreign text that a terminal would act on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

type jsonFinding struct {
	File     string   `json:"file"`
	Line     int      `json:"line,omitempty"`
	Column   int      `json:"column,omitempty"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Demand   string   `json:"demand"`
	Section  string   `json:"section"`
	Old      string   `json:"old,omitempty"`
	New      string   `json:"new,omitempty"`
}

// WriteJSON writes one object with files, documents and findings.
func (r *Report) WriteJSON(w io.Writer) error {
	findings := []jsonFinding{}
	for _, f := range r.Findings {
		j := jsonFinding{File: f.File, Line: f.Line, Column: f.Column, Rule: f.Demand.ID, Severity: f.Demand.Severity, Message: f.Message, Demand: f.Demand.Says, Section: f.Demand.Section}
		if f.Mend != nil {
			j.Old, j.New = f.Mend.Old, f.Mend.New
		}
		findings = append(findings, j)
	}
	return encode(w, map[string]any{"files": r.Files, "documents": r.Documents, "findings": findings})
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// object is a JSON object of SARIF.
type object = map[string]any

// WriteSARIF writes SARIF 2.1.0: each demand is a rule, each finding a result,
// each mend a fix.
func (r *Report) WriteSARIF(w io.Writer, version string) error {
	rules, index := []object{}, map[string]int{}
	for i, d := range Demands {
		index[d.ID] = i
		rules = append(rules, object{"id": d.ID, "shortDescription": object{"text": d.Says}, "help": object{"text": d.Section}, "defaultConfiguration": object{"level": d.Severity}})
	}
	results := []object{}
	for _, f := range r.Findings {
		artifact := object{"uri": (&url.URL{Path: filepath.ToSlash(f.File)}).String()}
		physical := object{"artifactLocation": artifact}
		if f.Line > 0 {
			physical["region"] = object{"startLine": f.Line, "startColumn": max(1, f.Column)}
		}
		result := object{"ruleId": f.Demand.ID, "ruleIndex": index[f.Demand.ID], "level": f.Demand.Severity, "message": object{"text": f.Message},
			"locations": []object{{"physicalLocation": physical}}}
		if f.Mend != nil {
			deleted := object{"startLine": f.Line, "startColumn": f.Column, "endColumn": f.Column + len(f.Mend.Old)}
			change := object{"artifactLocation": artifact, "replacements": []object{{"deletedRegion": deleted, "insertedContent": object{"text": f.Mend.New}}}}
			result["fixes"] = []object{{"description": object{"text": "write " + f.Mend.New}, "artifactChanges": []object{change}}}
		}
		results = append(results, result)
	}
	driver := object{"name": "Rampart", "version": version, "rules": rules}
	return encode(w, object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{"tool": object{"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}},
	})
}
