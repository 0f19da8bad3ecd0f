// Package source opens images where they lie: archives of docker save, OCI
// layouts (a tar file or a folder), a tar file of a root file system, and a root
// folder. An Image says what its manifest claims; nothing is believed until the
// layers were read.
//
// It must never import advisories or the package image; registries fill the same
// Image.
package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Image is an image that can be read.
type Image struct {
	Names    []string       // tags, as far as the source knows them
	Digest   string         // of the manifest, or of the configuration where there is no manifest; "" of a bare file system
	ID       string         // digest of the configuration, which Docker calls the image's id; "" of a bare file system
	Platform string         // "linux/amd64", "" if nobody says it
	Config   *v1.ConfigFile // nil of a bare file system
	Layers   []Layer        // from the base up
	Folder   string         // of a root folder, which has no layers
}

// Layer is a layer as its image claims it to be.
type Layer struct {
	Digest    string // of the bytes that Open gives, "" if the source does not claim one
	DiffID    string // of the bytes as unpacked, "" likewise
	Size      int64  // of the bytes that Open gives, 0 if the source does not claim one
	CreatedBy string // the step of the build that made it, "" if history does not say
	Foreign   bool   // its bytes are elsewhere, and are never fetched
	Open      func(ctx context.Context) (io.ReadCloser, error)
}

// Limits of what describes an image; its layers have limits of their own.
const (
	maxManifest = 4 << 20
	maxLayers   = 1024
	maxImages   = 1000 // of one archive or index
	maxNesting  = 4    // indexes in indexes
)

// ErrNotAnImage says that what lies there is no image and no file system.
var ErrNotAnImage = errors.New("not an image")

// decode reads one JSON document of bounded size.
func decode(r io.Reader, v any) error {
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return err
	}
	if len(data) > maxManifest {
		return fmt.Errorf("larger than %d bytes", maxManifest)
	}
	return json.Unmarshal(data, v)
}

// Platform writes a platform as "os/architecture/variant".
func Platform(os, architecture, variant string) string {
	p := os
	for _, part := range []string{architecture, variant} {
		if part != "" {
			p += "/" + part
		}
	}
	return p
}

// Describe gives an image what its configuration says: the platform, and for
// every layer its digest as unpacked and the step that made it. Lists of
// different lengths are an error: nobody could say which layer is which.
func (m *Image) Describe(config *v1.ConfigFile) error {
	m.Config = config
	m.Platform = Platform(config.OS, config.Architecture, config.Variant)
	if n := len(config.RootFS.DiffIDs); n != len(m.Layers) {
		return fmt.Errorf("%w: its configuration names %d layers, its manifest %d", ErrNotAnImage, n, len(m.Layers))
	}
	for i, id := range config.RootFS.DiffIDs {
		m.Layers[i].DiffID = id.String()
	}
	i := 0
	for _, h := range config.History {
		if h.EmptyLayer {
			continue
		}
		if i >= len(m.Layers) {
			return nil
		}
		m.Layers[i].CreatedBy = h.CreatedBy
		i++
	}
	return nil
}
