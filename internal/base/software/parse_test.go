package software

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// brief is what the tables below compare: name@version.
func brief(all []Package) []string {
	var out []string
	for _, p := range all {
		s := p.Name + "@" + p.Version
		if p.Source != "" {
			s += " of " + p.Source
		}
		if p.SourceVersion != "" {
			s += "@" + p.SourceVersion
		}
		out = append(out, s)
	}
	return out
}

// TestParsers gives each file to the parser that Recognise finds for its path.
func TestParsers(t *testing.T) {
	for _, tt := range []struct {
		name, path, text string
		want             []string
	}{
		{"dpkg", "var/lib/dpkg/status", "Package: zlib\nStatus: install ok installed\nVersion: 1:1.2\nArchitecture: amd64\nSource: zlib-src (1.0)\nDescription: x\n Package: not one\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: apt\nStatus: hold ok half-configured\nVersion: 2.6", []string{"zlib@1:1.2 of zlib-src@1.0", "apt@2.6"}},
		{"dpkg-only-removed", "var/lib/dpkg/status", "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n", nil},
		{"distroless", "var/lib/dpkg/status.d/libc6", "Package: libc6\nSource: glibc\nVersion: 2.36-9\n", []string{"libc6@2.36-9 of glibc"}},
		{"apk", "lib/apk/db/installed", "C:x\nP:b\nV:2-r1\no:o\n\nP:a\nV:1-r0\nA:x86_64\n", []string{"b@2-r1 of o", "a@1-r0"}},
		{"npm", "app/node_modules/@a/b/package.json", "\xef\xbb\xbf{\"name\":\"@a/b\",\"version\":\"v1.0.0\",\"dependencies\":{\"c\":\"1\"}}", []string{"@a/b@1.0.0"}},
		{"npm-nameless", "app/node_modules/b/package.json", `{"type":"module"}`, nil},
		{"npm-lock-3", "app/package-lock.json", `{"lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0","dependencies":{"a":"1"}},"node_modules/a":{"version":"1.2.3","dependencies":{"b":"^1"}},"node_modules/a/node_modules/@s/b":{"version":"2.0.0"},"node_modules/w":{"link":true,"resolved":"w"},"node_modules/alias":{"name":"real","version":"3.0.0"},"w":{"version":"9"}}}`, []string{"@s/b@2.0.0", "a@1.2.3", "real@3.0.0"}},
		{"npm-lock-1", "app/npm-shrinkwrap.json", `{"lockfileVersion":1,"dependencies":{"a":{"version":"1.2.3","dependencies":{"b":{"version":"2.0.0"}}},"g":{"version":"git+https://x/y.git"},"h":{"version":"npm:@s/real@1.0.0"}}}`, []string{"@s/real@1.0.0", "a@1.2.3", "b@2.0.0"}},
		{"yarn-1", "app/yarn.lock", "# yarn lockfile v1\n\n\"@s/a@^1.0.0\", \"@s/a@^1.1.0\":\n  version \"1.1.2\"\n  resolved \"x\"\n  dependencies:\n    version \"^9\"\n\nb@~2:\n  version \"2.0.1\"\n", []string{"@s/a@1.1.2", "b@2.0.1"}},
		{"yarn-2", "app/yarn.lock", "__metadata:\n  version: 6\n\n\"a@npm:^1.0.0\":\n  version: 1.0.3\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n", []string{"a@1.0.3"}},
		{"pnpm-5", "app/pnpm-lock.yaml", "lockfileVersion: 5.4\n\npackages:\n\n  /a/1.0.0:\n    resolution: {x: y}\n\n  /@s/b/2.0.0_peer@1.0.0:\n    dev: true\n", []string{"@s/b@2.0.0", "a@1.0.0"}},
		{"pnpm-6", "app/pnpm-lock.yaml", "packages:\n\n  /@s/b@2.0.0(peer@1.0.0):\n    dev: true\n", []string{"@s/b@2.0.0"}},
		{"pnpm-9", "app/pnpm-lock.yaml", "packages:\n\n  '@s/b@2.0.0':\n    x: y\n\nsnapshots:\n\n  c@1.0.0:\n    x: y\n", []string{"@s/b@2.0.0"}},
		{"dist-info", "usr/lib/python3/dist-packages/x.dist-info/METADATA", "Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.1\n\nName: body\n", []string{"pyyaml@5.1"}},
		{"egg-file", "usr/lib/python3/dist-packages/x-1.egg-info", "Name: x\nVersion: 1\n", []string{"x@1"}},
		{"egg", "opt/x.egg/EGG-INFO/PKG-INFO", "Name: x\nVersion: 2\n", []string{"x@2"}},
		{"requirements", "app/requirements.txt", "# c\nflask[async]==2.0.1 ; python_version > '3'\nDjango>=3\nsix == 1.16.0 # why\nx==1.*\n-r other.txt\nidna===3.4 --hash=sha256:1\n", []string{"flask@2.0.1", "six@1.16.0"}},
		{"pipfile", "app/Pipfile.lock", `{"default":{"a":{"version":"==1.0"},"g":{"git":"x"}},"develop":{"b":{"version":"==2.0"}}}`, []string{"a@1.0", "b@2.0"}},
		{"poetry", "app/poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1.0\"\n\n[package.dependencies]\nname = \"no\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0\"\n\n[metadata]\nversion = \"9\"\n", []string{"a@1.0", "b@2.0"}},
		{"cargo", "app/Cargo.lock", "version = 3\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+https://x\"\n", []string{"serde@1.0.1"}},
		{"gemspec", "usr/share/gems/specifications/rack-2.0.1.gemspec", "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.0.1\"\n", []string{"rack@2.0.1"}},
		{"gemspec-computed", "usr/share/gems/specifications/default/net-ftp-0.2.0.gemspec", "Gem::Specification.new do |spec|\n spec.name = name\n", []string{"net-ftp@0.2.0"}},
		{"gemfile", "app/Gemfile.lock", "GIT\n  remote: x\n  specs:\n    own (1.0)\n\nGEM\n  remote: https://x\n  specs:\n    nokogiri (1.10.0-x86_64-linux)\n      mini_portile2 (~> 2.4.0)\n    rack (2.0.1)\n\nPLATFORMS\n  ruby\n", []string{"nokogiri@1.10.0", "rack@2.0.1"}},
		{"dotnet", "app/x.deps.json", `{"libraries":{"app/1.0.0":{"type":"project"},"Newtonsoft.Json/12.0.1":{"type":"package"}}}`, []string{"Newtonsoft.Json@12.0.1"}},
		{"nuget-lock", "app/packages.lock.json", `{"version":1,"dependencies":{"net6.0":{"A":{"type":"Direct","resolved":"1.0"},"P":{"type":"Project"}}}}`, []string{"A@1.0"}},
		{"composer-2", "app/vendor/composer/installed.json", `{"packages":[{"name":"a/b","version":"v1.0"},{"name":"c/d","version":"dev-main"}]}`, []string{"a/b@1.0"}},
		{"composer-1", "app/vendor/composer/installed.json", `[{"name":"a/b","version":"1.0"}]`, []string{"a/b@1.0"}},
		{"composer-lock", "app/composer.lock", `{"packages":[{"name":"a/b","version":"1.0"}],"packages-dev":[{"name":"c/d","version":"2.0"}]}`, []string{"a/b@1.0", "c/d@2.0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := Recognise(tt.path)
			if f.Parse == nil {
				t.Fatalf("%s is not recognised", tt.path)
			}
			got, err := f.Parse(tt.path, []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, brief(got)); diff != "" {
				t.Error(diff)
			}
			for _, p := range got {
				if p.Path != tt.path || f.Kind != System && (p.PURL == "" || p.Ecosystem == "") {
					t.Errorf("%+v lacks its path, its purl or its ecosystem", p)
				}
			}
		})
	}
}

// TestPrograms: what was installed without a package manager says how it was
// recognised.
func TestPrograms(t *testing.T) {
	for _, tt := range []struct{ path, text, want, ecosystem string }{
		{"usr/local/include/node/node_version.h", "#define NODE_MAJOR_VERSION 18\n#define NODE_MINOR_VERSION 2\n#define NODE_PATCH_VERSION 0\n#define NODE_VERSION_IS_LTS 0", "node@18.2.0", ""},
		{"usr/local/include/python3.11/patchlevel.h", "/* x */\n#define PY_VERSION      \t\"3.11.4\"\n", "python@3.11.4", ""},
		{"usr/local/go/VERSION", "go1.21.3\ntime 2023-10-09T17:04:35Z\n", "toolchain@1.21.3", "Go"},
		{"opt/java/openjdk/release", "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.8\"\n", "java@17.0.8", ""},
		{"usr/local/include/php/main/php_version.h", "#define PHP_VERSION \"8.2.1\"", "php@8.2.1", ""},
		{"opt/jenkins/release", "nothing", "", ""},
	} {
		f := Recognise(tt.path)
		if f.Parse == nil {
			t.Errorf("%s is not recognised", tt.path)
			continue
		}
		got, err := f.Parse(tt.path, []byte(tt.text))
		if err != nil || len(got) > 1 || (tt.want == "") != (len(got) == 0) {
			t.Errorf("%s: %v, error %v", tt.path, got, err)
			continue
		}
		if tt.want != "" && (brief(got)[0] != tt.want || got[0].Ecosystem != tt.ecosystem || got[0].Origin != "recognised by "+tt.path) {
			t.Errorf("%+v", got[0])
		}
	}
	for _, path := range []string{"usr/include/python3.11/patchlevel.h", "usr/lib/jvm/java-17/release"} { // the distribution's own
		if f := Recognise(path); f.Kind != None {
			t.Errorf("%s is recognised", path)
		}
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	for path, text := range map[string]string{
		"var/lib/dpkg/status":              "\x00\x01garbage",
		"lib/apk/db/installed":             "<html>",
		"app/package-lock.json":            "{",
		"a/node_modules/b/package.json":    "[]",
		"x.dist-info/METADATA":             "no field",
		"a/vendor/composer/installed.json": "[{",
	} {
		if got, err := Recognise(path).Parse(path, []byte(text)); err == nil || len(got) > 0 {
			t.Errorf("%s: %v, error %v", path, got, err)
		}
	}
}

func TestNotRecognised(t *testing.T) {
	for _, path := range []string{"app/package.json", "var/lib/dpkg/info/x.list", "home/u/status", "srv/node_modules/a/lib/package.json", "opt/os-release", "tmp/Packages", "x/METADATA", "srv/node_modules/a/package-lock.json", "node_modules/a/yarn.lock", "usr/lib/python3/dist-packages/x/requirements.txt", "", "/"} {
		if f := Recognise(path); f.Kind != None {
			t.Errorf("%s is recognised as %v", path, f.Kind)
		}
	}
}

func TestReleases(t *testing.T) {
	for text, want := range map[string]string{
		"ID=debian\nVERSION_ID=\"12\"":                                         "Debian:12",
		"ID=debian\nVERSION_CODENAME=trixie":                                   "Debian:13",
		"ID=ubuntu\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.3 LTS (Jammy)\"":     "Ubuntu:22.04:LTS",
		"ID=ubuntu\nVERSION_ID=\"23.10\"\nVERSION=\"23.10 (Mantic Minotaur)\"": "Ubuntu:23.10",
		"ID=alpine\nVERSION_ID=3.20.1":                                         "Alpine:v3.20",
		"ID=alpine\nVERSION_ID=3.21_alpha20240807":                             "Alpine:edge",
		"ID=wolfi\nVERSION_ID=20230201":                                        "Wolfi",
		"ID=\"rocky\"\nVERSION_ID=\"9.3\"":                                     "Rocky Linux:9",
		"ID='sles'\nVERSION_ID='15.5'":                                         "SUSE:Linux Enterprise Server 15 SP5",
		"ID=\"opensuse-leap\"\nVERSION_ID=\"15.5\"":                            "openSUSE:Leap 15.5",
		"ID=plan9": "",
	} {
		if got := ParseRelease([]byte(text)).Ecosystem(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestEndOfLife(t *testing.T) {
	for _, tt := range []struct{ id, version, want string }{{"debian", "10", "2024-06-30"}, {"alpine", "3.11.0", "2021-11-01"}, {"centos", "7.9", "2024-06-30"}, {"debian", "99", ""}, {"x", "", ""}} {
		day, ok := Release{ID: tt.id, Version: tt.version}.EndOfLife()
		if ok != (tt.want != "") || ok && day.Format("2006-01-02") != tt.want {
			t.Errorf("%s %s: %v %v", tt.id, tt.version, day, ok)
		}
	}
}

// TestPackagesOfOthers: what is installed on a release is not always built for
// it.
func TestPackagesOfOthers(t *testing.T) {
	for _, tt := range []struct{ id, version, format, pkg, vendor, ecosystem, origin string }{
		{"debian", "12", "deb", "1.2-3", "", "Debian:12", ""},
		{"debian", "12", "deb", "1.2-3+deb12u1", "", "Debian:12", ""},
		{"debian", "12", "deb", "1.2-3+deb11u1", "", "Debian:11", ""},
		{"debian", "12", "deb", "15.4-1.pgdg120+1", "", "", "PostgreSQL"},
		{"debian", "12", "deb", "1.25.3-1~bookworm", "", "", "a vendor's repository"},
		{"rhel", "9.2", "rpm", "1-1", "Red Hat, Inc.", "Red Hat:enterprise_linux:9", ""},
		{"rhel", "9.2", "rpm", "1-1", "Docker", "", "Docker"},
		{"rhel", "9.2", "rpm", "1-1", "", "Red Hat:enterprise_linux:9", ""},
	} {
		all := []Package{{Name: "x", Version: tt.pkg, Origin: tt.vendor}}
		Release{ID: tt.id, Version: tt.version}.Settle(tt.format, all)
		if all[0].Ecosystem != tt.ecosystem || all[0].Origin != tt.origin {
			t.Errorf("%s %s on %s: %q, origin %q", tt.pkg, tt.vendor, tt.id, all[0].Ecosystem, all[0].Origin)
		}
	}
}

func TestPURL(t *testing.T) {
	deb := []Package{{Name: "libstdc++6", Version: "1:12.2-1+b1", Arch: "amd64"}}
	Release{ID: "debian", Version: "12"}.Settle("deb", deb)
	rpm := []Package{{Name: "bash", Version: "2:5.1-1", Arch: "x86_64"}}
	Release{ID: "rhel", Version: "9.2"}.Settle("rpm", rpm)
	for _, tt := range []struct {
		got  Package
		want string
	}{
		{deb[0], "pkg:deb/debian/libstdc%2B%2B6@1:12.2-1%2Bb1?arch=amd64&distro=debian-12"},
		{rpm[0], "pkg:rpm/rhel/bash@5.1-1?arch=x86_64&distro=rhel-9.2&epoch=2"},
		{language("npm", "@a/b", "1.0.0", ""), "pkg:npm/%40a/b@1.0.0"},
		{language("PyPI", "Zope.Interface", "1", ""), "pkg:pypi/zope-interface@1"},
		{Maven("org.x", "y", "1", ""), "pkg:maven/org.x/y@1"},
		{GoModule("github.com/a/b/v2", "v2.0.0", ""), "pkg:golang/github.com/a/b/v2@v2.0.0"},
	} {
		if tt.got.PURL != tt.want {
			t.Errorf("%s: purl %s, want %s", tt.got.Name, tt.got.PURL, tt.want)
		}
	}
}

func FuzzParsers(f *testing.F) {
	paths := []string{"var/lib/dpkg/status", "lib/apk/db/installed", "a/node_modules/b/package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml",
		"a.dist-info/METADATA", "requirements.txt", "Pipfile.lock", "poetry.lock", "Cargo.lock", "specifications/a-1.gemspec", "Gemfile.lock", "x.deps.json",
		"packages.lock.json", "vendor/composer/installed.json", "composer.lock"}
	for i := range paths {
		f.Add(i, []byte("Package: a\nVersion: 1\n\nP:a\nV:1\n"))
		f.Add(i, []byte(`{"packages":{"node_modules/a":{"version":"1"}},"dependencies":{"a":{"version":"1"}}}`))
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		path := paths[uint(which)%uint(len(paths))]
		all, err := Recognise(path).Parse(path, data)
		if err != nil && len(all) > 0 {
			t.Error("packages beside an error")
		}
		for _, p := range all {
			if p.Name == "" || p.Version == "" {
				t.Errorf("%+v has no name or no version", p)
			}
		}
		Release{ID: "debian", Version: "12"}.Settle("deb", all)
		ParseRelease(data).Ecosystem()
	})
}
