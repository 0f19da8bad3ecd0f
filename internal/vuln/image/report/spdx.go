package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// writeSPDX writes SPDX 2.3. It lists packages and no vulnerabilities: that
// version of the format has no place for findings that change every day.
func (a About) writeSPDX(w io.Writer, r *image.Report) error {
	name := cmp.Or(r.Image.Name, "image")
	doc := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: "DOCUMENT", DocumentName: name,
		DocumentNamespace: "https://rampart.invalid/spdx/" + url.PathEscape(cmp.Or(r.Image.Digest, name)),
		CreationInfo: &v2_3.CreationInfo{Created: r.Scanned.UTC().Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "Rampart-" + a.Version}}},
	}
	doc.Packages = append(doc.Packages, &v2_3.Package{PackageName: name, PackageSPDXIdentifier: "Image", PackageVersion: r.Image.Digest,
		PackageDownloadLocation: "NOASSERTION", PrimaryPackagePurpose: "CONTAINER"})
	doc.Relationships = append(doc.Relationships, relation("DOCUMENT", "DESCRIBES", "Image"))
	for i := range r.Packages {
		id := common.ElementID(fmt.Sprintf("Package-%d", i+1))
		doc.Packages = append(doc.Packages, spdxPackage(id, &r.Packages[i]))
		doc.Relationships = append(doc.Relationships, relation("Image", "CONTAINS", id))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

func relation(from common.ElementID, kind string, to common.ElementID) *v2_3.Relationship {
	return &v2_3.Relationship{RefA: common.DocElementID{ElementRefID: from}, Relationship: kind, RefB: common.DocElementID{ElementRefID: to}}
}

func spdxPackage(id common.ElementID, p *image.Package) *v2_3.Package {
	s := &v2_3.Package{PackageName: p.Name, PackageSPDXIdentifier: id, PackageVersion: p.Version, PackageDownloadLocation: "NOASSERTION",
		PackageSourceInfo: "found in " + p.Path, PackageLicenseConcluded: "NOASSERTION", PackageLicenseDeclared: "NOASSERTION", PackageCopyrightText: "NOASSERTION"}
	if p.PURL != "" {
		s.PackageExternalReferences = []*v2_3.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: p.PURL}}
	}
	return s
}
