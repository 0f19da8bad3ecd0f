// Package report writes what scans of images found: a table for people, JSON for
// programs, SARIF for code scanning, CycloneDX and SPDX as bills of materials.
//
// It must never import anything that decides: what is found is said as it is.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// About says who wrote a report.
type About struct{ Version string }

// Formats are the names of the formats.
func Formats() []string { return []string{"table", "json", "sarif", "cyclonedx", "spdx"} }

// Writer gives the function that writes a format.
func Writer(format string, about About) (func(io.Writer, *image.Report) error, error) {
	switch format {
	case "table":
		return writeTable, nil
	case "json":
		return writeJSON, nil
	case "sarif":
		return about.writeSARIF, nil
	case "cyclonedx":
		return about.writeCycloneDX, nil
	case "spdx":
		return about.writeSPDX, nil
	}
	return nil, fmt.Errorf("%q: want %s", format, strings.Join(Formats(), ", "))
}

func writeJSON(w io.Writer, r *image.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
