package posture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/finding"
	"github.com/rampart-sec/rampart/internal/rawjson"
)

// Limits of one report. What is beyond them is not read, and said.
const (
	maxReported   = 20_000 // checks or vulnerabilities
	maxReportText = 512    // characters of an id or a title
)

// reported is one result as a report has it. raw and the values below it are
// parts of the report's body, not copies.
type reported struct {
	finding.Finding
	state     State
	raw       []byte
	stateText []byte // value of a check's state, nil in a list
	exploited bool
}

// reportReader reads the results of one report: a map of checks, as agents and
// clusters deliver them, or a list of vulnerabilities, as scanners do. A result
// that cannot be read is left out and counted; the others are read.
type reportReader struct {
	report string                    // type, folded
	checks map[string]*content.Check // texts of known checks; may be nil
	// failing leaves out what is in order or does not apply, which is most.
	failing bool

	properties []property // of the body that was opened
	it         reported   // is read at the moment
	read       int
	faults     int
	fault      error // the first
}

// property is one of a report's properties. Most of a report is its results, so
// they are walked over once.
type property struct{ name, value []byte }

// open finds the properties of a body.
func (r *reportReader) open(body []byte) {
	rawjson.Members(rawjson.Lookup(body, "properties"), func(name, value []byte) bool {
		r.properties = append(r.properties, property{name, value})
		return true
	})
}

// property is the value of a property by name in any case, nil without it.
func (r *reportReader) property(name string) []byte {
	for _, p := range r.properties {
		if len(p.name) == len(name) && strings.EqualFold(string(p.name), name) {
			return p.value
		}
	}
	return nil
}

// digest is that of the image which the report says it is about, "" if it does
// not.
func (r *reportReader) digest() string {
	return finding.Digest(rawjson.Text(r.property("imageDigest")))
}

// each calls fn with every result of the body that was opened; what it is given
// is valid until it returns.
func (r *reportReader) each(fn func(*reported)) {
	switch checks := r.property("checks"); {
	case checks == nil:
	case checks[0] != '{':
		r.fail(errors.New("properties.checks is not an object"))
	default:
		rawjson.Members(checks, func(id, value []byte) bool {
			return r.one(fn, func(it *reported) error { return r.check(it, id, value) })
		})
	}
	switch list := r.property("vulnerabilities"); {
	case list == nil:
	case list[0] != '[':
		r.fail(errors.New("properties.vulnerabilities is not a list"))
	default:
		rawjson.Elements(list, func(value []byte) {
			r.one(fn, func(it *reported) error { return r.vulnerability(it, value) })
		})
	}
}

// one reads one result, and reports whether more may follow.
func (r *reportReader) one(fn func(*reported), read func(*reported) error) bool {
	if r.read++; r.read > maxReported {
		if r.read == maxReported+1 {
			r.fail(fmt.Errorf("more than %d results", maxReported))
		}
		return false
	}
	r.it = reported{Finding: finding.Finding{Report: r.report}}
	if err := read(&r.it); err != nil {
		r.fail(err)
		return true
	}
	if !r.failing || r.it.state == Unhealthy {
		fn(&r.it)
	}
	return true
}

func (r *reportReader) fail(err error) {
	r.faults++
	if r.fault == nil {
		r.fault = err
	}
}

// check reads one check. Texts are those of our own content where it knows the
// check: what a host says of it counts less.
func (r *reportReader) check(it *reported, id, value []byte) error {
	if value[0] != '{' || len(id) == 0 || len(id) > maxReportText {
		return fmt.Errorf("check %q is not an object with a state", cut(id))
	}
	var title, severity []byte
	rawjson.Members(value, func(key, v []byte) bool {
		switch string(key) {
		case "state":
			it.stateText = v
		case "title":
			title = v
		case "severity":
			severity = v
		}
		return true
	})
	if it.stateText == nil || it.stateText[0] != '"' {
		return fmt.Errorf("check %q has no state", cut(id))
	}
	it.raw, it.state = value, checkState(it.stateText)
	if r.failing && it.state != Unhealthy {
		return nil
	}
	if it.Category = "check"; strings.EqualFold(r.report, baselineType) {
		it.Category = "baseline"
	}
	if known := r.checks[string(id)]; known != nil {
		it.ID, it.Title, it.Severity = known.ID, known.Title, known.Severity
		return nil
	}
	it.ID, it.Title = rawjson.Name(id), cut([]byte(rawjson.Text(title)))
	if it.Title == "" {
		it.Title = it.ID
	}
	var ok bool
	if it.Severity, ok = finding.Severity(rawjson.Text(severity)); !ok && len(severity) > 0 {
		return fmt.Errorf("check %q: severity %q is not known", it.ID, cut(severity))
	}
	return nil
}

// scanned is one vulnerability as a scanner reports it.
type scanned struct {
	ID           string          `json:"id"`
	Title        string          `json:"title"`
	Description  string          `json:"description"`
	Remediation  string          `json:"remediation"`
	Impact       string          `json:"impact"`
	Category     string          `json:"category"`
	Severity     string          `json:"severity"`
	CVE          json.RawMessage `json:"cve"`  // an id, a list of ids, or a list of {title}
	CVSS         json.RawMessage `json:"cvss"` // a score, or {"3.0": {"base": score}}
	Patchable    *bool           `json:"patchable"`
	Exploited    bool            `json:"exploited"`
	Package      string          `json:"package"`
	Version      string          `json:"version"`
	FixedVersion string          `json:"fixedVersion"`
	ImageDigest  string          `json:"imageDigest"`
	State        string          `json:"state"` // fail where it is not said
}

// vulnerability reads one entry of a list.
func (r *reportReader) vulnerability(it *reported, value []byte) error {
	var s scanned
	if err := json.Unmarshal(value, &s); err != nil {
		return fmt.Errorf("a vulnerability is not the object that is wanted: %w", err)
	}
	var err error
	if it.CVEs, err = readCVEs(s.CVE); err != nil {
		return err
	}
	it.raw, it.state, it.ID = value, Unhealthy, s.ID
	if s.State != "" {
		it.state = checkState([]byte(s.State))
	}
	if it.ID == "" && len(it.CVEs) > 0 {
		it.ID = strings.TrimSuffix(it.CVEs[0]+"/"+s.Package, "/")
	}
	if it.ID == "" || len(it.ID) > maxReportText {
		return errors.New("a vulnerability has neither an id nor a CVE id, or a very long one")
	}
	var ok bool
	if it.Severity, ok = finding.Severity(s.Severity); !ok {
		return fmt.Errorf("vulnerability %q: severity %q is not known", it.ID, cut([]byte(s.Severity)))
	}
	if it.CVSS, err = readCVSS(s.CVSS); err != nil {
		return fmt.Errorf("vulnerability %q: %w", it.ID, err)
	}
	it.Title, it.Category, it.exploited = s.title(it.ID), s.Category, s.Exploited
	if it.Category == "" {
		it.Category = "vulnerability"
	}
	if it.Patchable = s.Patchable; it.Patchable == nil && s.FixedVersion != "" {
		yes := true
		it.Patchable = &yes
	}
	it.Digest = finding.Digest(s.ImageDigest)
	return nil
}

func (s *scanned) title(id string) string {
	if s.Title != "" {
		return cut([]byte(s.Title))
	}
	if s.Package != "" && !strings.Contains(id, s.Package) {
		return id + " in " + cut([]byte(s.Package))
	}
	return id
}

// evidence words what a scanner found.
func (s *scanned) evidence() string {
	var parts []string
	if s.Package != "" {
		parts = append(parts, strings.TrimSpace("found "+s.Package+" "+s.Version))
	}
	if s.FixedVersion != "" {
		parts = append(parts, "fixed in "+s.FixedVersion)
	}
	if s.Exploited {
		parts = append(parts, "known to be exploited")
	}
	return strings.Join(parts, ", ")
}

// readCVEs reads the ids in any of the shapes that scanners and the wire have.
func readCVEs(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		raw = json.RawMessage(strconv.AppendQuote([]byte("["), one))
		raw = append(raw, ']')
	}
	var ids []string
	if json.Unmarshal(raw, &ids) == nil {
		return checkCVEs(ids)
	}
	var links []struct {
		Title string `json:"title"`
	}
	if json.Unmarshal(raw, &links) != nil {
		return nil, errors.New("a vulnerability's cve is no id and no list of ids")
	}
	ids = make([]string, 0, len(links)) // a list that did not fit left something
	for _, l := range links {
		ids = append(ids, l.Title)
	}
	return checkCVEs(ids)
}

func checkCVEs(ids []string) ([]string, error) {
	const most = 100
	if len(ids) > most {
		return nil, fmt.Errorf("a vulnerability names more than %d CVE ids", most)
	}
	for _, id := range ids {
		if id == "" || len(id) > maxReportText {
			return nil, errors.New("a vulnerability names a CVE id that is empty or very long")
		}
	}
	return ids, nil
}

// readCVSS reads a base score; of several versions the highest.
func readCVSS(raw json.RawMessage) (float64, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	var score float64
	if json.Unmarshal(raw, &score) != nil {
		var versions map[string]struct {
			Base float64 `json:"base"`
		}
		if json.Unmarshal(raw, &versions) != nil {
			return 0, errors.New("its cvss is no score")
		}
		for _, v := range versions {
			score = max(score, v.Base)
		}
	}
	if score < 0 || score > 10 {
		return 0, fmt.Errorf("its cvss %v is not a score from 0 to 10", score)
	}
	return score, nil
}

// cut bounds a foreign text.
func cut(text []byte) string {
	if len(text) > maxReportText {
		text = text[:maxReportText]
	}
	return string(bytes.ToValidUTF8(text, nil))
}
