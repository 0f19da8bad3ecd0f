package ecosystem

import "testing"

func TestParse(t *testing.T) {
	tests := map[string]Ecosystem{
		"Debian:12":                                  {"Debian", "12", ""},
		"Debian:12.5":                                {"Debian", "12", ""},
		"Debian":                                     {"Debian", "", ""},
		"debian:11":                                  {"Debian", "11", ""},
		"Ubuntu:22.04":                               {"Ubuntu", "22.04", ""},
		"Ubuntu:22.04:LTS":                           {"Ubuntu", "22.04", ""},
		"Ubuntu:Pro:18.04:LTS":                       {"Ubuntu", "18.04", "Pro"},
		"Ubuntu:Pro:FIPS-updates:20.04:LTS":          {"Ubuntu", "20.04", "Pro:FIPS-updates"},
		"Alpine:v3.20":                               {"Alpine", "v3.20", ""},
		"Alpine:3.20.1":                              {"Alpine", "v3.20", ""},
		"Alpine:edge":                                {"Alpine", "edge", ""},
		"Red Hat:enterprise_linux:9::baseos":         {"Red Hat", "9", ""},
		"Red Hat:enterprise_linux:9":                 {"Red Hat", "9", ""},
		"Red Hat:9.4":                                {"Red Hat", "9", ""},
		"Red Hat:rhel_eus:9.2::appstream":            {"Red Hat", "9.2", "rhel_eus"},
		"Red Hat:openshift:4.12::el9":                {"Red Hat", "4.12", "openshift"},
		"Rocky Linux:9":                              {"Rocky Linux", "9", ""},
		"AlmaLinux:8.9":                              {"AlmaLinux", "8", ""},
		"SUSE:Linux Enterprise Server 15 SP5":        {"SUSE", "15 SP5", ""},
		"SUSE:Linux Enterprise Server 15 SP3-LTSS":   {"SUSE", "15 SP3", ""},
		"SUSE:Linux Enterprise Live Patching 15 SP5": {"SUSE", "15 SP5", "Live Patching"},
		"SUSE:Linux Enterprise Module for Basesystem 15 SP5": {"SUSE", "15 SP5", ""},
		"openSUSE:Leap 15.6":         {"openSUSE", "Leap 15.6", ""},
		"npm":                        {"npm", "", ""},
		"Maven:https://repo.example": {"Maven", "", ""},
		"Unheard Of:1":               {"Unheard Of", "1", ""},
		"":                           {"", "", ""},
	}
	for text, want := range tests {
		if got := Parse(text); got != want {
			t.Errorf("Parse(%q) = %+v, want %+v", text, got, want)
		}
	}
}

func TestName(t *testing.T) {
	tests := []struct{ base, name, want string }{
		{"PyPI", "Zope.Interface", "zope-interface"}, {"PyPI", "a__B--c", "a-b-c"}, {"PyPI", "requests", "requests"}, {"PyPI", "x_", "x-"},
		{"NuGet", "Newtonsoft.Json", "newtonsoft.json"}, {"Packagist", "Symfony/Http", "symfony/http"}, {"npm", "JSONStream", "JSONStream"},
		{"Go", "std", "stdlib"}, {"Go", "github.com/Masterminds/goutils", "github.com/Masterminds/goutils"}, {"Debian", "X", "X"},
	}
	for _, tt := range tests {
		if got := Name(tt.base, tt.name); got != tt.want {
			t.Errorf("Name(%s, %s) = %s, want %s", tt.base, tt.name, got, tt.want)
		}
		if again := Name(tt.base, tt.want); again != tt.want {
			t.Errorf("Name(%s, %s) = %s: a second time changes it", tt.base, tt.want, again)
		}
	}
}

func TestCovers(t *testing.T) {
	tests := []struct {
		advisory, installed string
		want                bool
	}{
		{"Debian:12", "Debian:12", true}, {"Debian:11", "Debian:12", false}, {"Ubuntu:22.04:LTS", "Ubuntu:22.04", true},
		{"Ubuntu:Pro:22.04:LTS", "Ubuntu:22.04", false}, {"Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS", true}, {"Ubuntu:Pro:22.04:LTS", "Ubuntu:Pro:22.04:LTS", true},
		{"Red Hat:rhel_eus:9.2::baseos", "Red Hat:enterprise_linux:9", false}, {"Wolfi", "Chainguard", false},
	}
	for _, tt := range tests {
		if got := Covers(Parse(tt.advisory), Parse(tt.installed)); got != tt.want {
			t.Errorf("Covers(%s, %s) = %t", tt.advisory, tt.installed, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("SUSE:Linux Enterprise Server 15 SP5")
	f.Add("Red Hat:rhel_eus:9.2::appstream")
	f.Add("SUSE:  SP")
	f.Fuzz(func(t *testing.T, text string) {
		e := Parse(text)
		if Parse(text) != e {
			t.Error("it is another the second time")
		}
		_ = Name(e.Base, text)
		_ = Covers(e, e)
	})
}
