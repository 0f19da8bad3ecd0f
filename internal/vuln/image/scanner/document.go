package scanner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// Types of the documents.
const (
	parentType   = "Microsoft.ContainerRegistry/registries"
	imageType    = parentType + "/images"
	reportType   = "Microsoft.Security/imageReports"
	reportSuffix = "/providers/" + reportType + "/default"
	source       = "image-scanner"
)

// maxReported bounds the vulnerabilities that a report lists one by one; its
// counts are of all.
const maxReported = 5000

// document is the image's own: what it is called and where its scan stands.
func (c *Connector) document(r *store.ImageRow, report *image.Report, now time.Time) wire.Document {
	name := strings.TrimPrefix(r.Digest, "sha256:")
	tags := []string{}
	for _, n := range r.Names {
		if _, tag, ok := strings.Cut(n, ":"); ok {
			tags = append(tags, tag)
		}
	}
	properties := map[string]any{"registry": c.Registry.Registry, "digest": r.Digest, "names": r.Names, "tags": tags, "platform": r.Platform,
		"scanStatus": statuses[r.Status], "queuedAt": r.Queued.UTC()}
	if len(r.Names) > 0 {
		properties["repository"] = repositoryOf(r.Names[0])
	}
	if r.Reason != "" && r.Status != completed {
		properties["scanError"] = r.Reason
	}
	if !r.Scanned.IsZero() {
		properties["scannedAt"] = r.Scanned.UTC()
	}
	if report != nil {
		properties["packages"], properties["layers"] = len(report.Packages), report.Image.Layers
		if report.System != nil {
			properties["operatingSystem"] = report.System
		}
	}
	var unavailable []string
	if r.Scanned.IsZero() { // an image without a report is not one without findings, nor one with
		unavailable = []string{reportType + " " + cmp.Or(clip(r.Reason), "the image was not scanned yet")}
	}
	return document(c.imageID(r.Digest), name, imageType, properties, unavailable, now)
}

func document(id, name, typ string, properties map[string]any, unavailable []string, now time.Time) wire.Document {
	body, _ := json.Marshal(map[string]any{"id": id, "name": name, "type": typ, "properties": properties}) // plain data
	return wire.Document{ID: id, Type: typ, APIVersion: "2026-01-01", Source: source, ObservedAt: now, SourceVersion: now.UnixMicro(), Unavailable: unavailable, Body: body}
}

func gone(id, typ string, now time.Time) wire.Document {
	return wire.Document{ID: id, Type: typ, Source: source, ObservedAt: now, SourceVersion: now.UnixMicro(), Deleted: true}
}

// counts are numbers of vulnerabilities by severity. One that nobody has rated
// is counted as low, and makes the others uncertain (doubt).
type counts struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
}

func (n *counts) of(severity string) *int {
	switch severity {
	case "critical":
		return &n.Critical
	case "high":
		return &n.High
	case "medium":
		return &n.Medium
	}
	return &n.Low
}

// vulnerability is one entry of the list that posture reads.
type vulnerability struct {
	ID           string   `json:"id"`
	Title        string   `json:"title"`
	Description  string   `json:"description,omitempty"`
	Remediation  string   `json:"remediation,omitempty"`
	Severity     string   `json:"severity"`
	CVE          []string `json:"cve,omitempty"`
	CVSS         float64  `json:"cvss,omitempty"`
	EPSS         float64  `json:"epss,omitempty"`
	Patchable    bool     `json:"patchable"`
	Exploited    bool     `json:"exploited,omitempty"`
	Package      string   `json:"package"`
	Version      string   `json:"version"`
	FixedVersion string   `json:"fixedVersion,omitempty"`
	Layer        string   `json:"layer,omitempty"`
	Path         string   `json:"path,omitempty"`
}

// report is the document with what was found. A report of an image that could
// not be scanned delivers nothing; where something could not be judged, a count
// of nought is not delivered: nobody knows it.
func (c *Connector) report(r *store.ImageRow, report *image.Report, now time.Time) wire.Document {
	id := c.imageID(r.Digest) + reportSuffix
	if report == nil {
		reason := cmp.Or(clip(r.Reason), "it was not scanned yet")
		return document(id, "default", reportType, map[string]any{"state": "error", "reason": reason, "imageDigest": r.Digest},
			[]string{"properties.fixable " + reason, "properties.vulnerabilities " + reason}, now)
	}
	list, fixable, unfixed := vulnerabilities(report)
	properties := map[string]any{"state": "completed", "imageDigest": r.Digest, "scannedAt": now.UTC(), "fixable": fixable, "unfixed": unfixed,
		"total": len(list), "vulnerabilities": list[:min(len(list), maxReported)], "secrets": report.Secrets[:min(len(report.Secrets), 1000)],
		"configuration": report.Configuration, "gaps": report.Gaps, "problems": report.Problems[:min(len(report.Problems), 100)]}
	known := map[string]int{}
	var unavailable []string
	why := doubt(report)
	for _, severity := range []string{"critical", "high", "medium", "low"} {
		if n := *fixable.of(severity); n > 0 || why == "" {
			known[severity] = n
		} else {
			unavailable = append(unavailable, "properties.fixable."+severity+" "+why)
		}
	}
	properties["fixable"] = known
	return document(id, "default", reportType, properties, unavailable, now)
}

// doubt says why a report is not the whole truth, "" if it is.
func doubt(r *image.Report) string {
	for _, p := range r.Problems {
		return clip(cmp.Or(p.Path, p.Layer) + ": " + p.Reason)
	}
	for _, g := range r.Gaps {
		return clip(fmt.Sprintf("%d packages of %s: %s", g.Packages, cmp.Or(g.Ecosystem, "no ecosystem"), g.Reason))
	}
	unrated := map[string]bool{}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity == cvss.Unknown && f.FixedVersion != "" {
			unrated[f.ID] = true
		}
	}
	if n := len(unrated); n > 0 { // any of them may be critical
		return fmt.Sprintf("nobody has rated the severity of %d fixable vulnerabilities", n)
	}
	return ""
}

func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return s[:min(len(s), 300)]
}

// vulnerabilities lists each vulnerability of each source package once, the worst
// first.
func vulnerabilities(r *image.Report) (list []vulnerability, fixable, unfixed counts) {
	seen := map[string]bool{}
	list = []vulnerability{}
	for i := range r.Findings {
		f := &r.Findings[i]
		of := cmp.Or(f.Source, f.Package)
		id := f.ID + "/" + of + "@" + f.Version
		if seen[id] {
			continue
		}
		seen[id] = true
		v := entry(f, id, of)
		if v.Patchable {
			*fixable.of(v.Severity)++
		} else {
			*unfixed.of(v.Severity)++
		}
		list = append(list, v)
	}
	rank := map[string]int{"critical": 0, "high": 1, "medium": 2, "low": 3}
	slices.SortStableFunc(list, func(a, b vulnerability) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(b.EPSS, a.EPSS), cmp.Compare(a.ID, b.ID))
	})
	return list, fixable, unfixed
}

func entry(f *image.Finding, id, of string) vulnerability {
	v := vulnerability{ID: id, Title: f.ID + " in " + of, Description: clip(f.Summary), Severity: f.Severity.String(), CVSS: f.CVSS, EPSS: f.EPSS,
		Patchable: f.FixedVersion != "", Exploited: f.KEV, Package: of, Version: f.Version, FixedVersion: f.FixedVersion, Layer: f.Layer, Path: f.Path}
	if f.Severity < cvss.Low {
		v.Severity = "low"
	}
	if strings.HasPrefix(f.ID, "CVE-") {
		v.CVE = []string{f.ID}
	}
	if v.Patchable {
		v.Remediation = "Update " + of + " to " + f.FixedVersion + " or later, and build the image anew."
	}
	return v
}
