package msrc

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/csaf"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

// parseCSAF reads Microsoft's CSAF form: products are named with a range
// ("Windows Server 2022 <10.0.20348.2227"), fixes name build and help page. What
// an update supersedes is not said there.
func parseCSAF(data []byte) (*Bulletin, error) {
	doc, err := csaf.Parse(data)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(doc.Document.Publisher.Name, "Microsoft") {
		return nil, errors.New("its publisher is another")
	}
	b := &Bulletin{ID: doc.Document.Tracking.ID, Released: doc.Document.Tracking.Current}
	for i := range doc.Vulnerabilities {
		v := compileCSAF(doc, &doc.Vulnerabilities[i])
		if strings.HasPrefix(v.CVE, "CVE-") && len(v.Products) > 0 {
			b.Vulnerabilities = append(b.Vulnerabilities, v)
		}
	}
	return b, nil
}

func compileCSAF(doc *csaf.Document, v *csaf.Vulnerability) Vulnerability {
	out := Vulnerability{CVE: v.CVE, Title: v.Title}
	rating := Rating{}
	for _, s := range v.Scores {
		if got, err := cvss.Score(s.V3.Vector); s.V3.Vector != "" && err == nil && got > rating.Score {
			rating = Rating{Score: got, Vector: s.V3.Vector, Severity: cvss.Rate(got)}
		}
	}
	for _, t := range v.Threats {
		if t.Category == "impact" && cvss.Word(t.Details) != cvss.Unknown {
			rating.Severity = cvss.Word(t.Details)
		}
		out.Exploited = out.Exploited || t.Category == "exploit_status" && strings.Contains(t.Details, "Exploited:Yes")
	}
	affected := map[string]bool{}
	for _, id := range v.Status["known_affected"] {
		if p := doc.Product(id); p != nil {
			affected[productName(p.Name)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(affected)) {
		one := rating
		one.Product = name
		out.Products = append(out.Products, one)
	}
	for _, r := range v.Remediations {
		if r.Category != "vendor_fix" {
			continue
		}
		build, rest, _ := strings.Cut(r.Details, ":")
		u := Update{KB: number(rest), FixedBuild: buildOf(build)}
		for _, id := range r.Products {
			if p := doc.Product(id); p != nil && !slices.Contains(u.Products, productName(p.Name)) {
				u.Products = append(u.Products, productName(p.Name))
			}
		}
		if len(u.Products) > 0 && (u.KB != "" || u.FixedBuild != "") {
			out.Updates = append(out.Updates, u)
		}
	}
	return out
}

// productName cuts the range, or the build, from a product's name.
func productName(text string) string {
	name, _, _ := strings.Cut(text, " <")
	if i := strings.LastIndexByte(name, ' '); i > 0 && buildOf(name[i+1:]) != "" {
		name = name[:i]
	}
	return strings.TrimSpace(name)
}

// buildOf gives text back if it is a build: four numbers.
func buildOf(text string) string {
	text = strings.TrimSpace(text)
	if strings.Count(text, ".") == 3 && strings.Trim(text, "0123456789.") == "" {
		return text
	}
	return ""
}
