// Package jar reads Java archives: the Maven artifacts that they are and that
// they contain, nested and shaded ones included.
//
// Artifacts are named by the pom.properties that Maven leaves, one for each
// artifact that was shaded in. An archive without any is named by its manifest
// only if that gives group, artifact and version; what would have to be guessed
// is listed without an ecosystem, so that no advisory of something else matches.
//
// It must never import anything of this module but software.
package jar

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/software"
)

// Bounds of one archive with all that is nested in it.
const (
	maxDirectory = 8 << 20   // bytes of one archive's list of files
	maxNested    = 32 << 20  // bytes of a nested archive that is compressed
	maxInflated  = 512 << 20 // bytes inflated in all
	maxText      = 1 << 20   // bytes of a manifest or of pom.properties
	maxDepth     = 8         // archives in archives
	maxValue     = 4 << 10   // bytes of a manifest's value, beyond which it is cut
	maxArtifacts = 20_000
)

var (
	errDepth     = errors.New("archives nest too deep")
	errInflated  = errors.New("the archive inflates beyond all measure")
	errArtifacts = errors.New("more artifacts than any archive has")
)

// Read gives the artifacts of an archive of size bytes. Artifacts beside an
// error are those that could be read: a damaged nested archive does not hide
// the others.
func Read(name string, r io.ReaderAt, size int64) ([]software.Package, error) {
	s := scan{left: maxInflated, seen: map[string]bool{}}
	err := s.archive(name, r, size, 0)
	return s.all, err
}

type scan struct {
	all  []software.Package
	seen map[string]bool // purls, with the path
	left int64           // bytes that may still be inflated
}

// budget fails reads once so many bytes were read: a list of files has at least
// 46 bytes an entry, so it bounds the memory that the list takes.
type budget struct {
	r    io.ReaderAt
	left int64
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errors.New("the archive's list of files is too long")
	}
	return b.r.ReadAt(p, off)
}

func (s *scan) archive(name string, r io.ReaderAt, size int64, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	b := &budget{r, maxDirectory + 1<<17}
	z, err := zip.NewReader(b, size)
	if err != nil {
		return err
	}
	b.left = 1 << 62
	var damaged error
	var manifest map[string]string
	named := false
	for _, f := range z.File {
		switch {
		case f.Name == "META-INF/MANIFEST.MF":
			var text []byte
			if text, err = s.text(f); err == nil {
				manifest = attributes(text)
			}
		case strings.HasPrefix(f.Name, "META-INF/maven/") && strings.HasSuffix(f.Name, "/pom.properties"):
			var ok bool
			ok, err = s.properties(name, f)
			named = named || ok
		case isArchive(f.Name):
			err = s.nested(name, f, r, depth)
		default:
			continue
		}
		switch {
		case errors.Is(err, errInflated) || errors.Is(err, errArtifacts):
			return err
		case err != nil:
			damaged = fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if !named {
		s.byManifest(name, manifest)
	}
	return damaged
}

func isArchive(name string) bool {
	switch path.Ext(name) {
	case ".jar", ".war", ".ear", ".par", ".rar":
		return true
	}
	return false
}

// text inflates a small file.
func (s *scan) text(f *zip.File) ([]byte, error) { return s.inflate(f, maxText) }

func (s *scan) inflate(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(r, min(limit, s.left)+1))
	if s.left -= int64(len(data)); s.left < 0 {
		return nil, errInflated
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return data, err
}

// nested reads an archive in an archive: in place if it is stored as it is,
// which is how Spring Boot does it.
func (s *scan) nested(outer string, f *zip.File, r io.ReaderAt, depth int) error {
	name := outer + "!/" + f.Name
	if f.Method == zip.Store {
		at, err := f.DataOffset()
		if err != nil {
			return err
		}
		size := int64(f.UncompressedSize64)
		if s.left -= size / 64; s.left < 0 { // archives that overlap cost nothing to store
			return errInflated
		}
		return s.archive(name, io.NewSectionReader(r, at, size), size, depth+1)
	}
	data, err := s.inflate(f, maxNested)
	if err != nil {
		return err
	}
	return s.archive(name, bytes.NewReader(data), int64(len(data)), depth+1)
}

func (s *scan) properties(name string, f *zip.File) (bool, error) {
	text, err := s.text(f)
	if err != nil {
		return false, err
	}
	var group, artifact, version string
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "groupId":
			group = value
		case "artifactId":
			artifact = value
		case "version":
			version = value
		}
	}
	if !proper(group) || !proper(artifact) || !proper(version) {
		return false, nil
	}
	return true, s.add(software.Maven(group, artifact, version, name))
}

// proper refuses what a build left unfilled ("${project.version}").
func proper(s string) bool {
	return s != "" && len(s) <= 256 && !strings.ContainsAny(s, "${}: \t\x00") && strings.ToValidUTF8(s, "") == s
}

func (s *scan) add(p software.Package) error {
	if len(s.all) >= maxArtifacts {
		return errArtifacts
	}
	if key := p.PURL + p.Name + p.Version + p.Path; !s.seen[key] {
		s.seen[key] = true
		s.all = append(s.all, p)
	}
	return nil
}

// fileName parts "commons-text-1.9.jar".
var fileName = regexp.MustCompile(`^(.+?)-(\d[^/]*)\.[a-z]+$`)

// byManifest names an archive that has no pom.properties. Implementation-
// Vendor-Id is the group where Maven filled it, and the file's name and
// Implementation-Version or Bundle-Version must agree.
func (s *scan) byManifest(name string, manifest map[string]string) {
	m := fileName.FindStringSubmatch(path.Base(name))
	if m == nil || !proper(m[1]) || !proper(m[2]) {
		return
	}
	artifact, version := m[1], m[2]
	group := manifest["Implementation-Vendor-Id"]
	if group == "" {
		group = bundleGroup(manifest["Bundle-SymbolicName"], artifact)
	}
	stated := manifest["Implementation-Version"] == version || manifest["Bundle-Version"] == version
	if proper(group) && strings.Contains(group, ".") && stated {
		_ = s.add(software.Maven(group, artifact, version, name))
		return
	}
	_ = s.add(software.Package{Name: artifact, Version: version, Path: name, Origin: "named by its file alone"})
}

// bundleGroup is the group in a symbolic name that ends with the artifact
// ("org.apache.commons.commons-text"), "" if it does not.
func bundleGroup(symbolic, artifact string) string {
	symbolic, _, _ = strings.Cut(symbolic, ";")
	group, ok := strings.CutSuffix(strings.TrimSpace(symbolic), "."+artifact)
	if !ok {
		return ""
	}
	return group
}

// attributes reads the main section of a manifest; a line that begins with a
// space goes on with the one before (JAR file specification, "Name-Value pairs").
func attributes(text []byte) map[string]string {
	all := map[string]string{}
	key := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if line[0] == ' ' {
			if len(all[key]) < maxValue {
				all[key] += line[1:]
			}
			continue
		}
		var value string
		key, value, _ = strings.Cut(line, ":")
		all[key] = strings.TrimSpace(value)
	}
	return all
}
