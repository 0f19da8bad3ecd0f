// Package msrc reads Microsoft's security bulletins (CVRF in JSON or XML, CSAF)
// and says which vulnerabilities a Windows machine has, by its build or by the
// updates that are installed. An update that is superseded by an installed one
// counts as installed.
//
// Bulletins are foreign and bounded. The package must never import stores, images
// or registries.
package msrc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/csaf"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

// Bounds of one bulletin; real ones have 10 MB.
const (
	MaxBytes           = 128 << 20
	maxVulnerabilities = 100_000
)

// ErrBulletin says that text is no bulletin of Microsoft's.
var ErrBulletin = errors.New("not a security bulletin of Microsoft")

// Bulletin is a month's bulletin, or one vulnerability.
type Bulletin struct {
	ID              string // "2024-Jan", or a CVE
	Released        time.Time
	Vulnerabilities []Vulnerability
}

// Vulnerability is what a bulletin says of a CVE.
type Vulnerability struct {
	CVE, Title string
	Exploited  bool     // known to be exploited when the bulletin was made
	Products   []Rating // that are affected
	Updates    []Update
}

// Rating is an affected product and how bad the vulnerability is there.
type Rating struct {
	Product  string // "Windows Server 2022"
	Severity cvss.Severity
	Score    float64
	Vector   string
}

// Update is what fixes a vulnerability in some products.
type Update struct {
	KB         string   // number without letters; "" if it has none
	Supersedes []string // numbers of the updates that it replaces
	FixedBuild string   // "10.0.20348.2227"; "" if the bulletin does not say
	Products   []string
}

// Parse reads a bulletin of any of the formats. The error is of the kind
// ErrBulletin.
func Parse(data []byte) (*Bulletin, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrBulletin, len(data), MaxBytes)
	}
	var b *Bulletin
	var err error
	switch text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \r\n\t"); {
	case bytes.HasPrefix(text, []byte("<")):
		b, err = parseXML(text)
	case csaf.Is(text):
		b, err = parseCSAF(text)
	default:
		b, err = parseJSON(text)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %v", ErrBulletin, err)
	case len(b.Vulnerabilities) == 0:
		return nil, fmt.Errorf("%w: it names no vulnerability", ErrBulletin)
	case len(b.Vulnerabilities) > maxVulnerabilities:
		return nil, fmt.Errorf("%w: %d vulnerabilities, more than %d", ErrBulletin, len(b.Vulnerabilities), maxVulnerabilities)
	}
	return b, nil
}

// numbers reads the numbers of updates from text: "KB5033369", "5033369; 5033371".
func numbers(text string) (list []string) {
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(f) >= 6 && len(f) <= 9 {
			list = append(list, f)
		}
	}
	return list
}

func number(text string) string {
	if list := numbers(text); len(list) > 0 {
		return list[0]
	}
	return ""
}
