// Package layer reads one layer of an image, as a stream and once, and keeps what
// matters of it: the packages that its files name, the secrets that lie in it,
// and what it removes of the layers below. Nothing is ever written to a path
// that a layer names.
//
// A Layer depends on its own bytes alone, so it may be kept by the digest of the
// layer and used again for every image that has it.
//
// It must never import registries, advisories or the package image.
package layer

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/image/secret"
)

// Version changes whenever a layer's bytes would be read to another result: what
// was kept under an earlier one is read anew.
const Version = 1

// Layer is what matters of one layer.
type Layer struct {
	Files     []File            `json:"files"`     // those that say something, in the order of the layer
	Whiteouts []string          `json:"whiteouts"` // paths of the layers below that it removes
	Opaque    []string          `json:"opaque"`    // folders whose content of the layers below it removes
	Links     map[string]string `json:"links"`     // links whose name would matter and whose target was not read: path to target
	Present   []uint64          `json:"present"`   // Hash of every path that is no folder, in no order
	Entries   int               `json:"entries"`
	Bytes     int64             `json:"bytes"` // as unpacked
}

// File is a file that says something.
type File struct {
	Path     string             `json:"path"` // without a leading slash
	Kind     software.Kind      `json:"kind"`
	Format   string             `json:"format,omitempty"`
	Packages []software.Package `json:"packages,omitempty"`
	Release  *software.Release  `json:"release,omitempty"`
	Secrets  []secret.Secret    `json:"secrets,omitempty"`
	// Problem says why the file, or a part of it, could not be read: what it
	// holds is not known.
	Problem string `json:"problem,omitempty"`
}

// Limits bound what is read of one layer. DefaultLimits are far beyond honest
// images.
type Limits struct {
	Entries int   // files, folders and links
	Bytes   int64 // unpacked
	Ratio   int64 // bytes unpacked for each byte compressed, beyond the first 256 MB
	Depth   int   // folders in folders
}

// DefaultLimits are those that scans use.
func DefaultLimits() Limits {
	return Limits{Entries: 2_000_000, Bytes: 256 << 30, Ratio: 200, Depth: 512}
}

// Options say how a layer is read.
type Options struct {
	Limits Limits
	// Want names further paths that are to be read as what they say, because a
	// link of another name leads there.
	Want map[string]software.File
	// Secrets has files searched for secrets.
	Secrets bool
}

// ErrHostile is wrapped by every error that says that a layer is beyond its
// limits.
var ErrHostile = errors.New("refused")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrHostile, fmt.Sprintf(format, args...))
}

// Hash is the same in every process: layers are kept.
const fnvOffset, fnvPrime = 14695981039346656037, 1099511628211

// Hash stands for a path in Layer.Present (64 bits of FNV-1a).
func Hash(p string) uint64 {
	h := uint64(fnvOffset)
	for i := range len(p) {
		h = (h ^ uint64(p[i])) * fnvPrime
	}
	return h
}

// Clean is a path as a Layer names it: without a leading slash, and never
// outside of the root, whatever the name says. "" is the root.
func Clean(name string) string {
	if simple(name) {
		return name
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// simple says that a name is clean already, which most are.
func simple(name string) bool {
	if name == "" || name[0] == '/' || name[0] == '.' || name[len(name)-1] == '/' {
		return false
	}
	return !strings.Contains(name, "//") && !strings.Contains(name, "/.")
}
