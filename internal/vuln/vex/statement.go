// Package vex reads what makers of software say of vulnerabilities in their
// products (Vulnerability Exploitability eXchange: OpenVEX, CycloneDX, CSAF), and
// sets aside findings that they say do not matter. Statements that fit nothing
// are named, for those are mostly mistakes.
//
// Documents are foreign and bounded. The package must never import images,
// registries or stores.
package vex

import (
	"errors"
	"fmt"

	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

// Bounds of one document.
const (
	MaxBytes      = 64 << 20
	maxStatements = 200_000
)

// ErrDocument says that text is no VEX document of a known format.
var ErrDocument = errors.New("not a VEX document")

// Status is what a statement says of a vulnerability in a product.
type Status string

// The statuses, as OpenVEX names them.
const (
	NotAffected   Status = "not_affected"
	Affected      Status = "affected"
	Fixed         Status = "fixed"
	Investigating Status = "under_investigation"
)

// Statement is one vulnerability in one product.
type Statement struct {
	Document      string   `json:"document"` // id of the document
	Vulnerability string   `json:"vulnerability"`
	Aliases       []string `json:"aliases,omitempty"`
	Product       string   `json:"product"`             // as the document names it
	Component     string   `json:"component,omitempty"` // part of the product that is meant
	Status        Status   `json:"status"`
	Justification string   `json:"justification,omitempty"` // a word of the format, or text
}

// Subject is what was scanned; statements about a product that is an image hold
// for its packages.
type Subject struct {
	Repository string // "registry.example/app"
	Digest     string // "sha256:..."
}

// Result is what statements do to findings.
type Result struct {
	Findings  []advisory.Finding
	Excluded  []advisory.Excluded
	Unmatched []Statement // fit no finding: another product or version, or already updated
}

// Apply sets aside the findings that statements call not affected or fixed. Of
// statements that contradict each other the one that keeps the finding holds.
func Apply(statements []Statement, subject Subject, findings []advisory.Finding) Result {
	index := newIndex(statements)
	matched := make([]bool, len(statements))
	var r Result
	for _, f := range findings {
		reason, contradicted := "", false
		for _, i := range index.about(&f) {
			s := &statements[i]
			if !s.fits(&f, subject) {
				continue
			}
			matched[i] = true
			harmless := s.Status == NotAffected || s.Status == Fixed
			contradicted = contradicted || !harmless
			if harmless && reason == "" {
				reason = s.reason()
			}
		}
		if reason == "" || contradicted {
			r.Findings = append(r.Findings, f)
			continue
		}
		r.Excluded = append(r.Excluded, advisory.Excluded{Finding: f, Reason: reason})
	}
	for i, m := range matched {
		if !m {
			r.Unmatched = append(r.Unmatched, statements[i])
		}
	}
	return r
}

func (s *Statement) reason() string {
	text := "its maker says that it is fixed"
	if s.Status == NotAffected {
		text = "its maker says that it is not affected"
	}
	if s.Justification != "" {
		text += ": " + s.Justification
	}
	return fmt.Sprintf("%s (VEX %s)", text, s.Document)
}

// index finds statements by vulnerability.
type index map[string][]int

func newIndex(statements []Statement) index {
	x := index{}
	for i, s := range statements {
		x[s.Vulnerability] = append(x[s.Vulnerability], i)
		for _, a := range s.Aliases {
			if a != s.Vulnerability {
				x[a] = append(x[a], i)
			}
		}
	}
	return x
}

// about lists the statements on a finding's vulnerability, by any of its names.
func (x index) about(f *advisory.Finding) (list []int) {
	list = append(list, x[f.ID]...)
	for _, a := range f.Aliases {
		list = append(list, x[a]...)
	}
	return list
}

// fits reports whether the statement's product is the package of the finding, or
// what was scanned.
func (s *Statement) fits(f *advisory.Finding, subject Subject) bool {
	if s.Component != "" {
		return isPackage(s.Component, f) && (isSubject(s.Product, subject) || isPackage(s.Product, f))
	}
	return isPackage(s.Product, f) || isSubject(s.Product, subject)
}

// isPackage compares with the package itself, or the source package that it was
// built from.
func isPackage(product string, f *advisory.Finding) bool {
	p, ok := parsePURL(product)
	have, known := parsePURL(f.PURL)
	if !ok || !known {
		return false
	}
	if p.covers(have) {
		return true
	}
	if f.Source == "" {
		return false
	}
	have.name = f.Source
	return p.covers(have)
}

// isSubject compares with an image: by digest, or by repository.
func isSubject(product string, subject Subject) bool {
	p, ok := parsePURL(product)
	if !ok || p.kind != "oci" && p.kind != "docker" {
		return product != "" && (product == subject.Digest || product == subject.Repository)
	}
	if p.version != "" {
		return p.version == subject.Digest
	}
	return subject.Repository != "" && lastPart(subject.Repository) == p.name
}

func lastPart(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			return s[i+1:]
		}
	}
	return s
}
