package image

import (
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/image/secret"
	"github.com/rampart-sec/rampart/internal/vuln/image/source"
)

// Package is a package of an image and the layer that brought it.
type Package struct {
	software.Package
	Layer      string `json:"layer,omitempty"` // digest; "" of a bare file system
	LayerIndex int    `json:"layerIndex"`      // from the base up, from 0
}

// Layer is a layer as a report names it.
type Layer struct {
	Digest    string `json:"digest"`
	DiffID    string `json:"diffId,omitempty"`
	Size      int64  `json:"size,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"` // the step of the build, if the image's history says it
	Foreign   bool   `json:"foreign,omitempty"`   // its bytes are elsewhere: not read
}

// Description says which image was read.
type Description struct {
	Name     string   `json:"name,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Digest   string   `json:"digest"`
	ID       string   `json:"id,omitempty"` // digest of the configuration
	Platform string   `json:"platform"`
	Created  string   `json:"created,omitempty"` // RFC 3339
	Layers   []Layer  `json:"layers"`
}

// System is the operating system of an image.
type System struct {
	software.Release
	EndOfLife string `json:"endOfLife,omitempty"` // date; "" if it is not known
	Ended     bool   `json:"ended"`               // updates have ended
}

// Problem is something that could not be read: what it holds is not known.
type Problem struct {
	Path   string `json:"path,omitempty"`
	Layer  string `json:"layer,omitempty"`
	Reason string `json:"reason"`
}

// Inventory is what is in an image. It holds no secret: those that were found
// are redacted.
type Inventory struct {
	Image         Description     `json:"image"`
	System        *System         `json:"system,omitempty"` // nil if the image does not say it
	Packages      []Package       `json:"packages"`
	Secrets       []FoundSecret   `json:"secrets"`
	Configuration []Configuration `json:"configuration"`
	Problems      []Problem       `json:"problems"`
}

// FoundSecret is a secret and the layer that brought it.
type FoundSecret struct {
	secret.Secret
	Layer string `json:"layer,omitempty"`
	// Removed says that a later layer removes or replaces the file. Whoever can
	// pull the image can still read it.
	Removed bool `json:"removed,omitempty"`
}

func newInventory(m *source.Image, s *stack, now time.Time) *Inventory {
	v := &Inventory{Image: describe(m), Secrets: []FoundSecret{}, Problems: []Problem{}, Configuration: configuration(m.Config)}
	release := s.release()
	if release != nil {
		v.System = &System{Release: *release}
		if day, ok := release.EndOfLife(); ok {
			v.System.EndOfLife, v.System.Ended = day.Format(time.DateOnly), now.After(day)
		}
	}
	v.Packages = s.packages(release)
	if v.Packages == nil {
		v.Packages = []Package{}
	}
	for i := range v.Packages {
		v.Packages[i].Layer = v.layer(v.Packages[i].LayerIndex)
	}
	for _, f := range s.sorted() {
		for _, found := range f.Secrets {
			v.Secrets = append(v.Secrets, FoundSecret{found, v.layer(f.layer), false})
		}
		if f.Problem != "" {
			v.Problems = append(v.Problems, Problem{f.Path, v.layer(f.layer), f.Problem})
		}
	}
	for _, f := range s.coveredSecrets() {
		for _, found := range f.Secrets {
			v.Secrets = append(v.Secrets, FoundSecret{found, v.layer(f.layer), true})
		}
	}
	for i, l := range m.Layers {
		if l.Foreign {
			v.Problems = append(v.Problems, Problem{Layer: v.layer(i), Reason: "a foreign layer: its bytes are elsewhere and are never fetched"})
		}
	}
	if release == nil && v.hasSystemPackages() {
		v.Problems = append(v.Problems, Problem{Path: "etc/os-release", Reason: "it is missing: which distribution the packages belong to is not known"})
	}
	return v
}

func (v *Inventory) layer(n int) string {
	if n < len(v.Image.Layers) {
		return v.Image.Layers[n].Digest
	}
	return ""
}

func (v *Inventory) hasSystemPackages() bool {
	for _, p := range v.Packages {
		if p.Ecosystem == "" {
			return true
		}
	}
	return false
}

func describe(m *source.Image) Description {
	d := Description{Digest: m.Digest, ID: m.ID, Platform: m.Platform, Tags: m.Names, Layers: []Layer{}}
	if len(m.Names) > 0 {
		d.Name = m.Names[0]
	}
	if m.Folder != "" {
		d.Name = m.Folder
	}
	if m.Config != nil && !m.Config.Created.IsZero() {
		d.Created = m.Config.Created.UTC().Format(time.RFC3339)
	}
	for i, l := range m.Layers {
		digest := l.Digest
		if digest == "" {
			digest = l.DiffID
		}
		if digest == "" && len(m.Layers) > 1 {
			digest = fmt.Sprintf("layer %d", i+1)
		}
		d.Layers = append(d.Layers, Layer{Digest: digest, DiffID: l.DiffID, Size: l.Size, CreatedBy: l.CreatedBy, Foreign: l.Foreign})
	}
	return d
}
