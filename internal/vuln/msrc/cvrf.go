package msrc

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

// cvrf is a document of the Common Vulnerability Reporting Framework 1.1 with
// Microsoft's additions (Supercedence, FixedBuild), in its JSON form.
type cvrf struct {
	Tracking struct {
		Identification struct {
			ID value `json:"ID"`
		} `json:"Identification"`
		Current stamp `json:"CurrentReleaseDate"`
	} `json:"DocumentTracking"`
	Tree struct {
		Products []product `json:"FullProductName"`
	} `json:"ProductTree"`
	Vulnerabilities []cvrfVulnerability `json:"Vulnerability"`
}

type value struct{ Value string }

// stamp is a time with or without a zone; one that cannot be read is zero.
type stamp struct{ time.Time }

// UnmarshalJSON reads text.
func (s *stamp) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		s.Time = when(text)
	}
	return nil
}

func when(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// cvrfVulnerability is a section; types are numbers in JSON and words in XML.
type cvrfVulnerability struct {
	Title        value         `json:"Title"`
	CVE          string        `json:"CVE"`
	Statuses     []status      `json:"ProductStatuses"`
	Threats      []threat      `json:"Threats"`
	Scores       []score       `json:"CVSSScoreSets"`
	Remediations []remediation `json:"Remediations"`
}

type product struct {
	ID   string `json:"ProductID"`
	Name string `json:"Value"`
}

type status struct {
	Products []string `json:"ProductID"`
	Type     int      `json:"Type"`
}

type threat struct {
	Description value    `json:"Description"`
	Products    []string `json:"ProductID"`
	Type        int      `json:"Type"`
}

type score struct {
	Base     float64  `json:"BaseScore"`
	Vector   string   `json:"Vector"`
	Products []string `json:"ProductID"`
}

type remediation struct {
	Description  value    `json:"Description"`
	Supercedence string   `json:"Supercedence"`
	FixedBuild   string   `json:"FixedBuild"`
	Products     []string `json:"ProductID"`
	Type         int      `json:"Type"`
}

// The numbers of Microsoft's JSON form.
const (
	typeKnownAffected = 3
	typeExploitStatus = 1
	typeSeverity      = 3
	typeVendorFix     = 2
)

func parseJSON(data []byte) (*Bulletin, error) {
	var doc cvrf
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	return doc.bulletin(), nil
}

func (doc *cvrf) bulletin() *Bulletin {
	b := &Bulletin{ID: doc.Tracking.Identification.ID.Value, Released: doc.Tracking.Current.Time}
	names := map[string]string{}
	for _, p := range doc.Tree.Products {
		names[p.ID] = p.Name
	}
	for i := range doc.Vulnerabilities {
		v := doc.Vulnerabilities[i].compile(names)
		if strings.HasPrefix(v.CVE, "CVE-") && len(v.Products) > 0 {
			b.Vulnerabilities = append(b.Vulnerabilities, v)
		}
	}
	return b
}

func (v *cvrfVulnerability) compile(names map[string]string) Vulnerability {
	out := Vulnerability{CVE: v.CVE, Title: v.Title.Value}
	severity := map[string]cvss.Severity{}
	for _, t := range v.Threats {
		switch t.Type {
		case typeSeverity:
			for _, id := range t.Products {
				severity[id] = cvss.Word(t.Description.Value)
			}
		case typeExploitStatus:
			out.Exploited = out.Exploited || strings.Contains(t.Description.Value, "Exploited:Yes")
		}
	}
	for _, s := range v.Statuses {
		if s.Type != typeKnownAffected {
			continue
		}
		for _, id := range s.Products {
			if names[id] != "" {
				out.Products = append(out.Products, v.rate(id, names[id], severity[id]))
			}
		}
	}
	for _, r := range v.Remediations {
		if r.Type != typeVendorFix {
			continue
		}
		u := Update{KB: number(r.Description.Value), Supersedes: numbers(r.Supercedence), FixedBuild: strings.TrimSpace(r.FixedBuild)}
		for _, id := range r.Products {
			if names[id] != "" {
				u.Products = append(u.Products, names[id])
			}
		}
		if len(u.Products) > 0 && (u.KB != "" || u.FixedBuild != "") {
			out.Updates = append(out.Updates, u)
		}
	}
	return out
}

func (v *cvrfVulnerability) rate(id, name string, severity cvss.Severity) Rating {
	r := Rating{Product: name, Severity: severity}
	for _, s := range v.Scores {
		for _, p := range s.Products {
			if p == id && s.Base >= 0 && s.Base <= 10 {
				r.Score, r.Vector = s.Base, s.Vector
			}
		}
	}
	if r.Severity == cvss.Unknown && r.Score > 0 {
		r.Severity = cvss.Rate(r.Score)
	}
	return r
}

// xmlForm is the same in XML.
type xmlForm struct {
	ID       string `xml:"DocumentTracking>Identification>ID"`
	Current  string `xml:"DocumentTracking>CurrentReleaseDate"`
	Products []struct {
		ID   string `xml:"ProductID,attr"`
		Name string `xml:",chardata"`
	} `xml:"ProductTree>FullProductName"`
	Vulnerabilities []struct {
		Title    string `xml:"Title"`
		CVE      string `xml:"CVE"`
		Statuses []struct {
			Type     string   `xml:"Type,attr"`
			Products []string `xml:"ProductID"`
		} `xml:"ProductStatuses>Status"`
		Threats []struct {
			Type        string   `xml:"Type,attr"`
			Description string   `xml:"Description"`
			Products    []string `xml:"ProductID"`
		} `xml:"Threats>Threat"`
		Scores []struct {
			Base     float64  `xml:"BaseScore"`
			Vector   string   `xml:"Vector"`
			Products []string `xml:"ProductID"`
		} `xml:"CVSSScoreSets>ScoreSet"`
		Remediations []struct {
			Type         string   `xml:"Type,attr"`
			Description  string   `xml:"Description"`
			Supercedence string   `xml:"Supercedence"`
			FixedBuild   string   `xml:"FixedBuild"`
			Products     []string `xml:"ProductID"`
		} `xml:"Remediations>Remediation"`
	} `xml:"Vulnerability"`
}

// xmlTypes are the words of the XML form as the numbers of the JSON form.
var xmlTypes = map[string]int{"Known Affected": typeKnownAffected, "Exploit Status": typeExploitStatus, "Severity": typeSeverity, "Vendor Fix": typeVendorFix}

// parseXML reads the XML form; package xml resolves no external entity.
func parseXML(data []byte) (*Bulletin, error) {
	var x xmlForm
	d := xml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&x); err != nil {
		return nil, err
	}
	var doc cvrf
	doc.Tracking.Identification.ID.Value, doc.Tracking.Current.Time = x.ID, when(x.Current)
	for _, p := range x.Products {
		doc.Tree.Products = append(doc.Tree.Products, product{p.ID, strings.TrimSpace(p.Name)})
	}
	for _, v := range x.Vulnerabilities {
		out := cvrfVulnerability{Title: value{v.Title}, CVE: strings.TrimSpace(v.CVE)}
		for _, s := range v.Statuses {
			out.Statuses = append(out.Statuses, status{s.Products, xmlTypes[s.Type]})
		}
		for _, t := range v.Threats {
			out.Threats = append(out.Threats, threat{value{t.Description}, t.Products, xmlTypes[t.Type]})
		}
		for _, s := range v.Scores {
			out.Scores = append(out.Scores, score(s))
		}
		for _, r := range v.Remediations {
			out.Remediations = append(out.Remediations, remediation{value{r.Description}, r.Supercedence, r.FixedBuild, r.Products, xmlTypes[r.Type]})
		}
		doc.Vulnerabilities = append(doc.Vulnerabilities, out)
	}
	return doc.bulletin(), nil
}
