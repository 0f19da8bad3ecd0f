// Package osv reads advisories in the OSV format
// (https://ossf.github.io/osv-schema/) and turns them into affected packages.
//
// Records come from outside and are hostile: size, depth and counts are bounded,
// and a bad one is an error of its own. It must never import the database or
// what is installed anywhere.
package osv

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxRecord bounds the bytes of one record. The largest real ones, about the
// kernel, have 2 MB as OSV and 30 MB as CSAF.
const MaxRecord = 32 << 20

// ErrRecord says that text is no usable OSV record.
var ErrRecord = errors.New("not an OSV record")

// Record is an OSV record, as far as it matters here.
type Record struct {
	ID         string      `json:"id"`
	Modified   stamp       `json:"modified"`
	Published  stamp       `json:"published"`
	Withdrawn  stamp       `json:"withdrawn"`
	Aliases    []string    `json:"aliases"`
	Upstream   []string    `json:"upstream"`
	Related    []string    `json:"related"`
	Summary    string      `json:"summary"`
	Details    string      `json:"details"`
	Severity   []Severity  `json:"severity"`
	Affected   []Affected  `json:"affected"`
	References []Reference `json:"references"`
	Database   specific    `json:"database_specific"`
}

// Severity is a rating: a CVSS vector, or a publisher's own word.
type Severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// Reference is a page about the vulnerability.
type Reference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

// Affected is what a record says of one package.
type Affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
		PURL      string `json:"purl"`
	} `json:"package"`
	Severity  []Severity `json:"severity"`
	Ranges    []Range    `json:"ranges"`
	Versions  []string   `json:"versions"`
	Ecosystem specific   `json:"ecosystem_specific"`
	Database  specific   `json:"database_specific"`
}

// Range is a series of events: versions at which the state changes.
type Range struct {
	Type   string  `json:"type"`
	Events []Event `json:"events"`
}

// Event has one member set.
type Event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// specific is what publishers put beside the schema. Each part that has not the
// expected shape is left out: the schema does not promise any.
type specific struct {
	Severity      string
	Urgency       string
	Informational string
	Binaries      []string
}

// UnmarshalJSON takes what it knows and ignores the rest.
func (s *specific) UnmarshalJSON(data []byte) error {
	var members struct {
		Severity      json.RawMessage `json:"severity"`
		Urgency       json.RawMessage `json:"urgency"`
		Informational json.RawMessage `json:"informational"`
		Binaries      json.RawMessage `json:"binaries"`
	}
	if json.Unmarshal(data, &members) != nil {
		return nil
	}
	s.Severity, s.Urgency, s.Informational = text(members.Severity), text(members.Urgency), text(members.Informational)
	var binaries []map[string]string // SUSE: [{"name": "version"}]; Ubuntu: [{"binary_name": ..., "binary_version": ...}]
	if json.Unmarshal(members.Binaries, &binaries) != nil {
		return nil
	}
	for _, b := range binaries {
		if name := b["binary_name"]; name != "" {
			s.Binaries = append(s.Binaries, name)
			continue
		}
		for name := range b {
			s.Binaries = append(s.Binaries, name)
		}
	}
	return nil
}

func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// stamp is a time; one that cannot be read is zero: it is shown, never decided on,
// except that a record with any withdrawn text is withdrawn.
type stamp struct {
	time.Time
	set bool
}

// UnmarshalJSON reads RFC 3339.
func (s *stamp) UnmarshalJSON(data []byte) error {
	word := text(data)
	s.set = word != ""
	s.Time, _ = time.Parse(time.RFC3339, word)
	if s.Year() < 1980 || s.Year() > 9000 {
		s.Time = time.Time{}
	}
	return nil
}

// Parse reads one record. The error is of the kind ErrRecord.
func Parse(data []byte) (*Record, error) {
	if len(data) > MaxRecord {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrRecord, len(data), MaxRecord)
	}
	r := new(Record)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrRecord, err)
	}
	if r.ID == "" || len(r.ID) > 128 {
		return nil, fmt.Errorf("%w: its id is %.40q", ErrRecord, r.ID)
	}
	return r, nil
}

// Withdrawal reports whether the publisher took the record back.
func (r *Record) Withdrawal() bool {
	return r.Withdrawn.set || rejected(r.Summary) || rejected(r.Details)
}
