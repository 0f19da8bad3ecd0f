// Package cvss rates vulnerabilities: the base scores of CVSS vectors of all
// versions, and the words that people use for them.
//
// It is pure and must never import another package of this module.
package cvss

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	cvss20 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss40 "github.com/pandatix/go-cvss/40"
)

// maxVector is longer than any vector with all metrics of CVSS 4.0.
const maxVector = 512

// ErrVector says that text is no CVSS vector.
var ErrVector = errors.New("not a CVSS vector")

// Severity is how bad a vulnerability is. Higher is worse.
type Severity uint8

// The severities of the qualitative rating scale (CVSS 3.1, section 5). Unknown
// is not harmless: nobody has rated it.
const (
	Unknown Severity = iota
	None
	Low
	Medium
	High
	Critical
)

var words = [...]string{"unknown", "none", "low", "medium", "high", "critical"}

func (s Severity) String() string {
	if int(s) < len(words) {
		return words[s]
	}
	return words[Unknown]
}

// MarshalText writes the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, w := range words {
		if w == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("severity %.40q: one of %s", text, strings.Join(words[:], ", "))
}

// Word reads the words that feeds use for severities, in any case: "MODERATE",
// "important" (Red Hat), "negligible" (Ubuntu). A word that says nothing is
// Unknown.
func Word(text string) Severity {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "critical":
		return Critical
	case "high", "important":
		return High
	case "medium", "moderate":
		return Medium
	case "low", "minor", "negligible":
		return Low
	case "none":
		return None
	}
	return Unknown
}

// Rate gives the severity of a base score. Version 2 scores go by the same
// scale, as the national vulnerability database has used no other since 2022.
func Rate(score float64) Severity {
	switch {
	case score >= 9:
		return Critical
	case score >= 7:
		return High
	case score >= 4:
		return Medium
	case score > 0:
		return Low
	}
	return None
}

// Score computes the base score of a vector of CVSS 2.0, 3.0, 3.1 or 4.0. Some
// feeds write a plain score instead; it is taken. The error is of the kind
// ErrVector.
func Score(vector string) (score float64, err error) {
	vector = strings.TrimSpace(vector)
	if vector == "" || len(vector) > maxVector {
		return 0, fmt.Errorf("%w: %.40q", ErrVector, vector)
	}
	if plain, err := strconv.ParseFloat(vector, 64); err == nil && plain >= 0 && plain <= 10 {
		return plain, nil
	}
	score, err = scoreVector(vector)
	if err != nil || math.IsNaN(score) || score < 0 || score > 10 {
		return 0, fmt.Errorf("%w: %.60q", ErrVector, vector)
	}
	return score, nil
}

func scoreVector(vector string) (float64, error) {
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		v, err := cvss40.ParseVector(vector)
		if err != nil {
			return 0, err
		}
		return v.Score(), nil
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		v, err := cvss31.ParseVector(vector)
		if err != nil {
			return 0, err
		}
		return v.BaseScore(), nil
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		v, err := cvss30.ParseVector(vector)
		if err != nil {
			return 0, err
		}
		return v.BaseScore(), nil
	}
	v, err := cvss20.ParseVector(strings.Trim(vector, "()"))
	if err != nil {
		return 0, err
	}
	return v.BaseScore(), nil
}
