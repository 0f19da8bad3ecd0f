package software

import "strings"

// rpmVendors are the vendors that build a distribution's own packages, by the
// ID of its os-release. A distribution that is not listed is not checked.
var rpmVendors = map[string][]string{
	"rhel":      {"Red Hat"},
	"centos":    {"CentOS", "Red Hat"},
	"rocky":     {"Rocky"},
	"almalinux": {"AlmaLinux"},
	"ol":        {"Oracle"},
	"amzn":      {"Amazon"},
	"fedora":    {"Fedora"},
}

// ofRPM gives a package the ecosystem of its release, unless its vendor, which
// Origin holds as read from the database, is another than the distribution.
func (r Release) ofRPM(p *Package) {
	vendor := p.Origin
	own, checked := rpmVendors[r.ID]
	for _, name := range own {
		if strings.Contains(vendor, name) {
			checked = false
		}
	}
	if checked && vendor != "" {
		return
	}
	p.Origin, p.Ecosystem = "", r.Ecosystem()
}
