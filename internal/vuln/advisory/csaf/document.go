// Package csaf reads advisories and VEX documents in the Common Security Advisory
// Framework (OASIS CSAF 2.0) and turns those of Red Hat into affected packages.
//
// Documents are foreign: size, depth and counts are bounded. The package must
// never import the database or what is installed anywhere.
package csaf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Bounds of one document. The largest real ones, about the kernel, have 30 MB.
const (
	MaxBytes    = 128 << 20
	maxDepth    = 64
	maxProducts = 1_000_000
)

// ErrDocument says that text is no usable CSAF document.
var ErrDocument = errors.New("not a CSAF document")

// Document is a CSAF document as far as it matters here.
type Document struct {
	Document struct {
		Category  string `json:"category"`
		Title     string `json:"title"`
		Publisher struct {
			Name string `json:"name"`
		} `json:"publisher"`
		Severity struct {
			Text string `json:"text"`
		} `json:"aggregate_severity"`
		Tracking struct {
			ID      string    `json:"id"`
			Status  string    `json:"status"`
			Initial time.Time `json:"initial_release_date"`
			Current time.Time `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches      []branch       `json:"branches"`
		Names         []fullName     `json:"full_product_names"`
		Relationships []relationship `json:"relationships"`
	} `json:"product_tree"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`

	products map[string]*Product
}

type branch struct {
	Name     string    `json:"name"`
	Branches []branch  `json:"branches"`
	Product  *fullName `json:"product"`
}

type fullName struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		CPE  string `json:"cpe"`
		PURL string `json:"purl"`
	} `json:"product_identification_helper"`
}

type relationship struct {
	Category  string   `json:"category"`
	Full      fullName `json:"full_product_name"`
	Reference string   `json:"product_reference"`
	Platform  string   `json:"relates_to_product_reference"`
}

// Vulnerability is one section of a document.
type Vulnerability struct {
	CVE      string                  `json:"cve"`
	Title    string                  `json:"title"`
	IDs      []struct{ Text string } `json:"ids"`
	Status   map[string][]string     `json:"product_status"` // "fixed", "known_affected", "known_not_affected", "under_investigation", ...
	Released time.Time               `json:"release_date"`
	Scores   []struct {
		V3 struct {
			Vector string `json:"vectorString"`
		} `json:"cvss_v3"`
		V2 struct {
			Vector string `json:"vectorString"`
		} `json:"cvss_v2"`
	} `json:"scores"`
	Threats []struct {
		Category string   `json:"category"`
		Details  string   `json:"details"`
		Products []string `json:"product_ids"`
	} `json:"threats"`
	Remediations []struct {
		Category string   `json:"category"`
		Details  string   `json:"details"`
		Products []string `json:"product_ids"`
	} `json:"remediations"`
	Flags []struct {
		Label    string   `json:"label"`
		Products []string `json:"product_ids"`
	} `json:"flags"`
}

// Product is a product of the tree; one that is part of another names it.
type Product struct {
	ID, Name, CPE, PURL string
	Component           *Product // what is part, nil if the product is not made of others
	Platform            *Product // of what it is part
}

// Is reports whether text looks like a CSAF document.
func Is(data []byte) bool {
	return bytes.Contains(data, []byte(`"csaf_version"`)) && bytes.Contains(data, []byte(`"tracking"`))
}

// Parse reads a document. The error is of the kind ErrDocument.
func Parse(data []byte) (*Document, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrDocument, len(data), MaxBytes)
	}
	d := new(Document)
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDocument, err)
	}
	if d.Document.Category == "" || len(d.Vulnerabilities) == 0 {
		return nil, fmt.Errorf("%w: it has no category or no vulnerabilities", ErrDocument)
	}
	d.products = map[string]*Product{}
	if err := d.addBranches(d.Tree.Branches, 0); err != nil {
		return nil, err
	}
	for _, n := range d.Tree.Names {
		d.addProduct(n)
	}
	if len(d.products)+len(d.Tree.Relationships) > maxProducts {
		return nil, fmt.Errorf("%w: more than %d products", ErrDocument, maxProducts)
	}
	for _, r := range d.Tree.Relationships {
		p := d.addProduct(r.Full)
		p.Component, p.Platform = d.products[r.Reference], d.products[r.Platform]
	}
	return d, nil
}

func (d *Document) addBranches(list []branch, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: branches in branches, more than %d", ErrDocument, maxDepth)
	}
	for i := range list {
		if list[i].Product != nil {
			d.addProduct(*list[i].Product)
		}
		if err := d.addBranches(list[i].Branches, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) addProduct(n fullName) *Product {
	p := &Product{ID: n.ID, Name: n.Name, CPE: n.Helper.CPE, PURL: n.Helper.PURL}
	d.products[n.ID] = p
	return p
}

// Product finds a product by its id, nil if the tree has none.
func (d *Document) Product(id string) *Product { return d.products[id] }

// Package gives the product that has a package URL: itself, or what of it is part.
// Components inside of components are followed a few steps.
func (p *Product) Package() *Product {
	for range 4 {
		if p == nil || p.PURL != "" && p.Component == nil {
			return p
		}
		if p.Component == nil {
			return p
		}
		p = p.Component
	}
	return p
}
