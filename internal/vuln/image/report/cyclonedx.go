package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/rampart-sec/rampart/internal/vuln/image"
)

func (a About) writeCycloneDX(w io.Writer, r *image.Report) error {
	bom := cdx.NewBOM()
	bom.SpecVersion, bom.JSONSchema = cdx.SpecVersion1_6, "http://cyclonedx.org/schema/bom-1.6.schema.json"
	bom.Metadata = &cdx.Metadata{
		Timestamp: r.Scanned.UTC().Format(time.RFC3339),
		Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "Rampart", Version: a.Version}}},
		Component: &cdx.Component{BOMRef: "image", Type: cdx.ComponentTypeContainer, Name: cmp.Or(r.Image.Name, "image"), Version: r.Image.Digest},
	}
	var components []cdx.Component
	if s := r.System; s != nil {
		components = append(components, cdx.Component{BOMRef: "os", Type: cdx.ComponentTypeOS, Name: s.ID, Version: s.Version, Description: s.Name})
	}
	refs := map[image.Package]string{}
	for i, p := range r.Packages {
		ref := fmt.Sprintf("package-%d", i+1)
		refs[p] = ref
		components = append(components, component(ref, &p))
	}
	bom.Components = &components
	bom.Vulnerabilities = vulnerabilities(r, refs)
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bom)
}

func component(ref string, p *image.Package) cdx.Component {
	properties := []cdx.Property{{Name: "rampart:path", Value: p.Path}}
	for _, more := range [][2]string{{"rampart:layer", p.Layer}, {"rampart:ecosystem", p.Ecosystem}, {"rampart:source", p.Source}} {
		if more[1] != "" {
			properties = append(properties, cdx.Property{Name: more[0], Value: more[1]})
		}
	}
	return cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: p.Name, Version: p.Version, PackageURL: p.PURL, Properties: &properties}
}

// vulnerabilities names each once, with all packages that it affects.
func vulnerabilities(r *image.Report, refs map[image.Package]string) *[]cdx.Vulnerability {
	type place struct{ path, name, version string }
	at := map[place]string{}
	for p, ref := range refs {
		at[place{p.Path, p.Name, p.Version}] = ref
	}
	index := map[string]int{}
	all := []cdx.Vulnerability{}
	for i := range r.Findings {
		f := &r.Findings[i]
		n, ok := index[f.ID]
		if !ok {
			n = len(all)
			index[f.ID] = n
			all = append(all, vulnerability(f))
		}
		affects := append(*all[n].Affects, cdx.Affects{Ref: at[place{f.Path, f.Package, f.Version}]})
		all[n].Affects = &affects
	}
	return &all
}

func vulnerability(f *image.Finding) cdx.Vulnerability {
	v := cdx.Vulnerability{ID: f.ID, Description: f.Summary, Affects: &[]cdx.Affects{}}
	if f.FixedVersion != "" {
		v.Recommendation = "Update " + f.Package + " to " + f.FixedVersion + " or later."
	}
	rating := cdx.VulnerabilityRating{Severity: cdx.Severity(f.Severity.String()), Vector: f.Vector, Method: method(f.Vector)}
	if f.CVSS > 0 {
		rating.Score = &f.CVSS
	}
	v.Ratings = &[]cdx.VulnerabilityRating{rating}
	return v
}

func method(vector string) cdx.ScoringMethod {
	for prefix, m := range map[string]cdx.ScoringMethod{"CVSS:3.0": cdx.ScoringMethodCVSSv3, "CVSS:3.1": cdx.ScoringMethodCVSSv31, "CVSS:4": cdx.ScoringMethodCVSSv4} {
		if strings.HasPrefix(vector, prefix) {
			return m
		}
	}
	if vector != "" {
		return cdx.ScoringMethodCVSSv2
	}
	return ""
}
