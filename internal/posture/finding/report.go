package finding

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/rawjson"
)

// Limits of one report. What is beyond them is not read, and said.
const (
	maxReported   = 20_000 // checks or vulnerabilities
	maxReportText = 512    // characters of an id or a title
)

// Report reads the results of one report: a map of checks, as agents and
// clusters deliver them, or a list of vulnerabilities, as scanners do. A result
// that cannot be read is left out and counted; the others are read. It is read
// once, by one goroutine.
type Report struct {
	typ        string                      // folded
	checks     map[string]*baselines.Check // texts of known checks; may be nil
	properties []property
	failing    bool // leave out what is in order or does not apply, which is most

	it     Result // is read at the moment
	read   int
	faults int
	fault  error // the first
}

// property is one of a report's properties. Most of a report is its results, so
// they are walked over once.
type property struct{ name, value []byte }

// open finds the properties of a body.
func open(typ string, checks map[string]*baselines.Check, body []byte) *Report {
	r := &Report{typ: typ, checks: checks}
	rawjson.Members(rawjson.Lookup(body, "properties"), func(name, value []byte) bool {
		r.properties = append(r.properties, property{name, value})
		return true
	})
	return r
}

// Type is the type of the report, folded.
func (r *Report) Type() string { return r.typ }

// Image is the digest of the image that the report is about, "" if it is about
// something else: what the report says, else that of its parent if this is one.
func (r *Report) Image(parent arm.ID) string {
	said := Digest(rawjson.Text(r.property("imageDigest")))
	if said == "" && arm.Fold(parent.Type()) == imageType {
		return Digest(parent.Name())
	}
	return said
}

// imageType is the type of images, folded. Their names are digests.
const imageType = "microsoft.containerregistry/registries/images"

// Each calls fn with every result; what it is given is valid until it returns.
func (r *Report) Each(fn func(*Result)) {
	switch checks := r.property("checks"); {
	case checks == nil:
	case checks[0] != '{':
		r.fail(errors.New("properties.checks is not an object"))
	default:
		rawjson.Members(checks, func(id, value []byte) bool {
			return r.one(fn, func(it *Result) error { return r.check(it, id, value) })
		})
	}
	switch list := r.property("vulnerabilities"); {
	case list == nil:
	case list[0] != '[':
		r.fail(errors.New("properties.vulnerabilities is not a list"))
	default:
		rawjson.Elements(list, func(value []byte) {
			r.one(fn, func(it *Result) error { return r.vulnerability(it, value) })
		})
	}
}

// EachFailing is Each for the results that fail. Of the others less is read, so
// faults of theirs may go unnoticed.
func (r *Report) EachFailing(fn func(*Result)) {
	r.failing = true
	r.Each(fn)
}

// Faults is how many results could not be read, and why the first could not.
func (r *Report) Faults() (n int, first error) { return r.faults, r.fault }

// property is the value of a property by name in any case, nil without it.
func (r *Report) property(name string) []byte {
	for _, p := range r.properties {
		if len(p.name) == len(name) && strings.EqualFold(string(p.name), name) {
			return p.value
		}
	}
	return nil
}

// one reads one result, and reports whether more may follow.
func (r *Report) one(fn func(*Result), read func(*Result) error) bool {
	if r.read++; r.read > maxReported {
		if r.read == maxReported+1 {
			r.fail(fmt.Errorf("more than %d results", maxReported))
		}
		return false
	}
	r.it = Result{Finding: Finding{Report: r.typ}}
	if err := read(&r.it); err != nil {
		r.fail(err)
		return true
	}
	if !r.failing || r.it.Outcome == Fail {
		fn(&r.it)
	}
	return true
}

func (r *Report) fail(err error) {
	r.faults++
	if r.fault == nil {
		r.fault = err
	}
}
