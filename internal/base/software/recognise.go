package software

import (
	"path"
	"strings"
)

// Parser reads one file whole. The packages have its path as Path. An error
// means that nothing of the file is known.
type Parser func(path string, data []byte) ([]Package, error)

// Kind is what a file says of software.
type Kind int

// The kinds of files.
const (
	None      Kind = iota
	OSRelease      // which operating system it is
	System         // the database of a distribution's packages; Format says which
	Installed      // one or more packages of a language, as installed
	Locked         // packages that a lock file names; they need not be installed
	Archive        // a Java archive: package jar reads it
	RPM            // a database of rpm: package rpmdb reads it
)

// File says how a file is to be read.
type File struct {
	Kind   Kind
	Format string // of a System file: deb, apk; of an RPM file: rpm
	Parse  Parser // nil for OSRelease, Archive and RPM
}

// MaxFile is the size up to which a file is read: the largest database of
// packages seen is a tenth of it.
const MaxFile = 64 << 20

var byName = map[string]File{
	"os-release": {Kind: OSRelease}, "package-lock.json": {Locked, "", NPMLock}, ".package-lock.json": {Locked, "", NPMLock},
	"npm-shrinkwrap.json": {Locked, "", NPMLock}, "yarn.lock": {Locked, "", YarnLock}, "pnpm-lock.yaml": {Locked, "", PnpmLock},
	"requirements.txt": {Locked, "", PythonRequirements}, "Pipfile.lock": {Locked, "", PipfileLock},
	"poetry.lock": {Locked, "", tomlLock("PyPI", false)}, "uv.lock": {Locked, "", tomlLock("PyPI", false)},
	"Cargo.lock": {Locked, "", tomlLock("crates.io", true)}, "Gemfile.lock": {Locked, "", GemfileLock},
	"packages.lock.json": {Locked, "", NuGetLock}, "composer.lock": {Locked, "", ComposerLock},
}

// systemFiles are the places of databases, each at the end of a path, so that
// a database below a changed root is found too.
var systemFiles = map[string]File{
	"var/lib/dpkg/status":      {System, formatDeb, Dpkg},
	"lib/apk/db/installed":     {System, formatApk, Apk},
	"usr/lib/apk/db/installed": {System, formatApk, Apk},
}

// rpmFolders are where rpm has kept its database; rpmNames what it calls it.
var (
	rpmFolders = []string{"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"}
	rpmNames   = map[string]bool{"rpmdb.sqlite": true, "rpmdb.sqlite-wal": true, "Packages.db": true, "Packages": true}
)

// Recognise says what a file is by its path below the root, written without a
// leading slash. It costs a few comparisons: image scanning asks it for every
// file.
func Recognise(name string) File {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	switch base {
	case "os-release":
		if dir != "etc" && dir != "usr/lib" {
			return File{}
		}
		return byName[base]
	case "package.json":
		if inNodeModules(dir) {
			return File{Installed, "", NPMInstalled}
		}
		return File{}
	case "status", "installed":
		return systemFiles[name]
	case "METADATA":
		if strings.HasSuffix(dir, ".dist-info") {
			return File{Installed, "", Python}
		}
		return File{}
	case "PKG-INFO":
		if strings.HasSuffix(dir, ".egg-info") || strings.HasSuffix(dir, "EGG-INFO") {
			return File{Installed, "", Python}
		}
		return File{}
	case "installed.json":
		if strings.HasSuffix(dir, "/composer") {
			return File{Installed, "", ComposerInstalled}
		}
		return File{}
	}
	if f, ok := byName[base]; ok {
		if base != ".package-lock.json" && ofLibrary(dir) {
			return File{}
		}
		return f
	}
	return recogniseSuffix(name, dir, base)
}

func recogniseSuffix(name, dir, base string) File {
	if rpmNames[base] {
		for _, folder := range rpmFolders {
			if dir == folder {
				return File{RPM, formatRPM, nil}
			}
		}
	}
	if strings.HasPrefix(name, "var/lib/dpkg/status.d/") && !strings.HasSuffix(base, ".md5sums") {
		return File{System, formatDeb, Dpkg}
	}
	switch path.Ext(base) {
	case ".jar", ".war", ".ear", ".par", ".jpi", ".hpi":
		return File{Kind: Archive}
	case ".gemspec":
		if strings.Contains(dir, "specifications") {
			return File{Installed, "", Gemspec}
		}
	case ".egg-info":
		return File{Installed, "", Python}
	case ".json":
		if strings.HasSuffix(base, ".deps.json") {
			return File{Installed, "", DotnetDeps}
		}
	}
	return recogniseProgram(name, dir, base)
}

// ofLibrary says whether a folder belongs to an installed package. Lock files
// that lie there name what its authors developed it with.
func ofLibrary(dir string) bool {
	for _, folder := range []string{"node_modules/", "site-packages/", "dist-packages/", "vendor/", "gems/"} {
		if i := strings.Index(dir, folder); i == 0 || i > 0 && dir[i-1] == '/' {
			return true
		}
	}
	return false
}

// inNodeModules says whether dir is the folder of a package: directly below
// node_modules, or below a scope.
func inNodeModules(dir string) bool {
	parent, _ := path.Split(dir)
	parent = strings.TrimSuffix(parent, "/")
	if path.Base(parent) == "node_modules" {
		return true
	}
	return strings.HasPrefix(path.Base(parent), "@") && path.Base(path.Dir(parent)) == "node_modules"
}
